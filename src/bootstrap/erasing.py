"""The eraser, with every place it visits; and the list applied again after a restore."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from adapters import compaction
from adapters.compaction import Report
from adapters.erasure import Orders, PostgresErasures
from adapters.messages import Messages
from adapters.notices import ToldNotices
from adapters.places import Answers, Keys, PostgresFamily, Progress, Rows, Secrets
from adapters.share_passwords import Locks
from adapters.tallies import Counted
from adapters.transforms import Transforms
from adapters.weights import Weighed
from bootstrap import Core, mail_folder, now, searching, webhooks
from commands.erasure import (
    Kind,
    erase_account_again,
    erase_album_again,
    erase_image_again,
    erase_organization_again,
)
from commands.reports import erase_report_again
from projections import clearing
from projections.clearing import (
    LEDGER,
    Bytes,
    Copies,
    Duplicates,
    Edge,
    Ledger,
    Memberships,
    Webhooks,
)
from projections.erasure import Eraser, Place
from projections.projection import ALL
from settings import Settings

AGAIN = {
    Kind.IMAGE: erase_image_again,
    Kind.ACCOUNT: erase_account_again,
    Kind.ALBUM: erase_album_again,
    Kind.ORGANIZATION: erase_organization_again,
    Kind.REPORT: erase_report_again,
}


def orders(core: Core) -> Orders:
    return Orders(core.log, core.store, core.key, PostgresErasures(core.database))


def eraser(core: Core, edge: Edge | None = None) -> Eraser:
    database, objects = core.database, core.objects
    family = PostgresFamily(database)
    everywhere: list[Place] = [
        Answers(database),
        ToldNotices(database),
        Messages(database, lambda: core.nats, core.names),
        Ledger(objects),
    ]
    image: list[Place] = [
        Keys(database),
        Locks(database),
        *_rows(core, Kind.IMAGE),
        Bytes(objects),
        Progress(database),
        Counted(database),
        *searching.places(core),
        Transforms(database),
        Weighed(database),
        *([Copies(edge)] if edge else []),
        Duplicates(family, core.store, core.key),
    ]
    account: list[Place] = [
        Secrets(database),
        mail_folder(core),
        clearing.images(family, core.store, core.key),
        clearing.albums(family, core.store),
        Memberships(family, core.store),
        clearing.reports(family, core.store),
        Webhooks(webhooks.kept(core), core.store),
        Keys(database),
        Counted(database),
        *_rows(core, Kind.ACCOUNT),
    ]
    album: list[Place] = [
        Keys(database),
        Locks(database),
        Counted(database),
        *_rows(core, Kind.ALBUM),
    ]
    organization: list[Place] = [
        clearing.images(family, core.store, core.key),
        clearing.albums(family, core.store),
        Keys(database),
        Counted(database),
        *_rows(core, Kind.ORGANIZATION),
    ]
    report: list[Place] = [Keys(database), *_rows(core, Kind.REPORT)]
    return Eraser(
        ledger=PostgresErasures(database),
        places={
            Kind.IMAGE: image + everywhere,
            Kind.ACCOUNT: account + everywhere,
            Kind.ALBUM: album + everywhere,
            Kind.ORGANIZATION: organization + everywhere,
            Kind.REPORT: report + everywhere,
        },
    )


def _rows(core: Core, kind: Kind) -> Sequence[Place]:
    return [Rows(core.database, it) for it in ALL if kind.value in it.streams]


async def reapply(core: Core) -> int:
    """Destroy again what has a key though it should have none. How many streams that were."""
    back = await orders(core).resurrected()
    if back:
        await PostgresErasures(core.database).reopen(back)
    return len(back)


async def reapply_all(settings: Settings) -> int:
    """The same for whatever was ever purged, by the log and by the object store's own list."""
    core, count = Core(settings), 0
    async with core.opened():
        await PostgresErasures(core.database).reopen()
        async for note in core.objects.list(LEDGER):
            kind, _, subject = note.key.removeprefix(LEDGER).partition("/")
            await AGAIN[Kind(kind)](UUID(subject), store=core.store, hasher=core.key)
            count += 1
        await orders(core).take()
    return count


async def tidy(core: Core) -> None:
    """Once there is nothing to erase: rewrite the small tables, at most once an hour."""
    erasures = PostgresErasures(core.database)
    if await erasures.untidy():
        began, url = now(), core.settings.database_url
        await asyncio.to_thread(
            compaction.rewrite_tables, url, lambda _: None, largest=compaction.SMALL
        )
        await erasures.tidied(began)


async def compact(settings: Settings, report: Report) -> list[str]:
    """Returns what was left, because the database did not let us."""
    left = await asyncio.to_thread(compaction.rewrite_tables, settings.database_url, report)
    if settings.objects_vacuum_url:
        report("objects")
        await compaction.vacuum_objects(settings.objects_vacuum_url)
    return left
