"""What administrators may do, for the API and for the command line: the same commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from adapters.accounts import PostgresAccounts
from adapters.bars import PostgresBars
from adapters.blocklist import PostgresBlocklist
from adapters.gallery import PostgresGallery
from adapters.reports import PostgresCases
from adapters.scanning import PostgresScans
from bootstrap import Core, letters, new_id, sessions
from commands import administration, blocklist, holds, reports, review, takedown
from commands.accounts import find_account
from commands.dispatcher import Dispatcher, Handler
from commands.ports import NewId
from domain.ids import NOBODY, AccountId
from projections.accounts import Accounts
from projections.gallery import Gallery
from projections.reports import Cases
from settings import Settings


def handlers(core: Core) -> dict[type, Handler]:
    store, bars = core.store, PostgresBars(core.database)
    return {
        administration.Suspend: partial(administration.suspend, store=store, bars=bars),
        administration.Reinstate: partial(administration.reinstate, store=store, bars=bars),
        administration.SignOut: partial(
            administration.sign_out, store=store, sessions=sessions(core)
        ),
        administration.ChangePlan: partial(
            administration.change_plan, store=store, plans=core.settings.known_plans
        ),
        administration.ChangeQuota: partial(administration.change_quota, store=store),
        administration.Appoint: partial(administration.appoint, store=store),
        administration.Dismiss: partial(administration.dismiss, store=store),
        holds.PlaceHold: partial(holds.place_hold, store=store),
        holds.LiftHold: partial(holds.lift_hold, store=store),
        reports.ResolveReport: partial(reports.resolve_report, store=store, letters=letters(core)),
        blocklist.AddBlock: partial(
            blocklist.add_block,
            store=store,
            hasher=core.key,
            held=PostgresBlocklist(core.database),
        ),
        blocklist.ExplainBlock: partial(blocklist.explain_block, store=store),
        blocklist.LiftBlock: partial(blocklist.lift_block, store=store),
        review.Rescan: partial(review.rescan, store=store),
        review.RescanMany: partial(
            review.rescan_many, store=store, scans=PostgresScans(core.database)
        ),
        review.Release: partial(review.release, store=store),
        review.Confirm: partial(review.confirm, store=store),
        takedown.TakeDown: partial(takedown.take_down, store=store),
        takedown.ReinstateImage: partial(takedown.reinstate, store=store),
    }


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line works with."""

    by: AccountId
    """In whose name: the installation's administrator, or else Darkroom itself."""
    dispatch: Dispatcher
    accounts: Accounts
    gallery: Gallery
    cases: Cases
    new_id: NewId
    core: Core

    async def account(self, named: str) -> AccountId | None:
        """Of an e-mail address."""
        return await find_account(named, store=self.core.store, hasher=self.core.key)


@asynccontextmanager
async def office(settings: Settings) -> AsyncIterator[Office]:
    core = Core(settings)
    async with core.connected():
        name = settings.admin_email
        by = await find_account(name, store=core.store, hasher=core.key) if name else None
        yield Office(
            by=by or NOBODY,
            dispatch=Dispatcher(handlers(core)),
            accounts=PostgresAccounts(core.database),
            gallery=PostgresGallery(core.database, core.store),
            cases=PostgresCases(core.database),
            new_id=new_id,
            core=core,
        )
