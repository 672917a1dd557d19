"""The API: its parts, and every command it accepts."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

from litestar import Litestar
from litestar.types import ASGIApp

from adapters.accounts import PostgresAccounts
from adapters.addresses import PublicAddresses, networks
from adapters.albums import PostgresAlbums
from adapters.allowances import REFRESH, PostgresAllowances
from adapters.api_keys import PostgresApiKeys
from adapters.audit_log import LogEntries
from adapters.backlogs import PostgresBacklogs
from adapters.blocklist import PostgresBlocklist
from adapters.claims import PostgresClaims
from adapters.counting import PostgresCounter
from adapters.credentials import BearerCredentials
from adapters.development import PostgresPrints
from adapters.erasure import PostgresErasures
from adapters.feed import LogFeed
from adapters.fetch import HttpFetcher
from adapters.forgetting import LOOK, Forgetting
from adapters.gallery import PostgresGallery
from adapters.health import Health
from adapters.idempotency import PostgresRecords
from adapters.lab import VipsLab
from adapters.ledger import PostgresLedger
from adapters.likeness import PostgresLikenesses
from adapters.limits import PostgresLimiter
from adapters.metrics import Metrics
from adapters.notices import PostgresNotices
from adapters.organizations import PostgresOrganizations
from adapters.parking import LogParking
from adapters.passwords import Argon2Passwords
from adapters.places import PostgresFamily
from adapters.positions import HeardPositions
from adapters.posting import allowed
from adapters.quotas import PostgresQuotas
from adapters.reaping import LogHistories
from adapters.reports import PostgresCases
from adapters.s3 import CONNECTIONS
from adapters.sandbox import die_with_parent
from adapters.scanning import PostgresScans
from adapters.share_passwords import PostgresSharePasswords
from adapters.signed_urls import HmacUrls
from adapters.tallies import PostgresTallies
from adapters.tokens import JwtTokens
from adapters.transforms import PostgresShelf
from adapters.upkeep import PostgresUpkeep
from adapters.upload_tokens import PostgresUploadTokens
from adapters.url_keys import UrlKeys
from adapters.usage_reports import PostgresReports
from adapters.weights import PostgresWeights
from api.app import create
from api.correlating import Correlating
from api.deadlines import Pace
from api.direct import Direct
from api.parts import Parts
from api.streaming import Turnstile
from api.tus import Dialect
from bootstrap import (
    Core,
    letters,
    new_id,
    now,
    people,
    scanner,
    searching,
    sessions,
    token_keys,
    webhooks,
)
from bootstrap.judging import judge
from bootstrap.loops import after, every, for_ever
from commands import (
    albums,
    bulk,
    erasure,
    images,
    imports,
    lending,
    organizations,
    receiving,
    restoring,
    share_links,
    standing,
    takedown,
    upkeep,
    uploads,
)
from commands.blocklist import Screening
from commands.dispatcher import Dispatcher, Handler
from commands.guesses import Guesses
from commands.limits import Limiter, Tolls
from commands.once import Once
from commands.plans import within_plan
from commands.ports import EventStore
from commands.prints import Printer
from commands.transforming import Transformer
from domain.gate import DECODE
from domain.refusals import Unavailable
from projections.projection import PROJECTIONS
from settings import Settings, load

ARCHIVES = 8
"""Sent at once by a process; each holds a connection to the object store, for hours maybe."""


def app() -> ASGIApp:
    """The API of one worker process, from its environment."""
    die_with_parent()
    settings = load(os.environ)
    metrics = Metrics()
    framework = application(settings, metrics)
    app = Dialect(framework, max_size=settings.max_file_bytes)
    gc.freeze()  # what is here by now is no garbage: looking for some in it stops every request
    return Direct(Correlating(app, metrics), framework.state.parts, metrics)


def application(settings: Settings, metrics: Metrics) -> Litestar:
    core = Core(settings)
    decoders = max(settings.lab_workers // settings.api_workers, 1)
    lab = VipsLab(settings.caps, workers=decoders, queue=settings.lab_queue)
    claims = PostgresClaims(core.database)
    gallery = PostgresGallery(core.database, core.store)
    positions = HeardPositions(core.database, core.names)
    passwords = Argon2Passwords(core.database)
    limiter = None if settings.rate_limits == "off" else PostgresLimiter(core.database)
    keys = PostgresApiKeys(core.database)
    signing, url_keys = token_keys(core), UrlKeys(core.database, core.key)
    counter = PostgresCounter(core.database, now)
    allowances = PostgresAllowances(core.database, settings.known_plans, now)
    weights = PostgresWeights(core.database)
    printer = Printer(
        core.objects,
        lab,
        core.spool,
        claims,
        weights,
        held=settings.rendering_memory,
        queue=settings.rendering_queue,
    )
    shelf = PostgresShelf(core.database, now, budget=settings.transform_budget)
    transformer = Transformer(
        objects=core.objects, lab=lab, spool=core.spool, shelf=shelf, printer=printer
    )

    forgetting = Forgetting(
        core.database,
        *(core.log.keyring.forget_all, gallery.forget, printer.forget, transformer.forget),
    )

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        async with core.opened():
            health.nats = core.nats
            await positions.listen(core.nats)
            lab.start()
            await signing.load()
            await url_keys.load()
            await counter.load()
            await forgetting.work()
            tasks = [
                asyncio.create_task(work)
                for work in (
                    keys.flush_for_ever(),
                    signing.load_for_ever(),
                    url_keys.load_for_ever(),
                    counter.flush_for_ever(),
                    every(REFRESH, "allowances", allowances.refresh),
                    shelf.flush_for_ever(),
                    for_ever("forgetting", forgetting.work, after(LOOK)),
                )
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                with suppress(Unavailable):
                    await keys.flush()
                    await counter.flush()
                    await shelf.flush()
                await transformer.close()
                await lab.close()
                await claims.close()
                await gallery.close()

    tokens = JwtTokens(
        signing.ring,
        issuer=settings.public_url,
        lifetime=settings.access_token_seconds,
        now=now,
    )
    health = Health(core.database, core.log, None, core.objects, scanner(settings), settings)
    return create(
        Parts(
            dispatch=dispatcher(core, lab, passwords, limiter, keys, allowances),
            gallery=gallery,
            albums=PostgresAlbums(core.database, core.store),
            organizations=PostgresOrganizations(core.database, core.store),
            suspects=PostgresScans(core.database),
            notices=PostgresNotices(core.database),
            accounts=PostgresAccounts(core.database),
            search=searching.search(core),
            likenesses=PostgresLikenesses(core.database, core.store),
            prints=PostgresPrints(core.database),
            feed=LogFeed(core.log),
            positions=positions,
            objects=core.objects,
            ledger=PostgresLedger(core.database),
            lab=lab,
            printer=printer,
            transformer=transformer,
            steps=settings.steps,
            store=core.store,
            hasher=core.key,
            sessions=sessions(core),
            tokens=tokens,
            credentials=BearerCredentials(core.database, tokens, keys, core.store),
            api_keys=keys,
            providers=people.providers(core),
            upload_tokens=PostgresUploadTokens(core.database),
            tolls=Tolls(limits=settings.limits, limiter=limiter) if limiter else None,
            proxies=networks(settings.trusted_proxies),
            signer=HmacUrls(url_keys.ring),
            url_keys=url_keys,
            health=health,
            metrics=metrics,
            backlogs=PostgresBacklogs(core.database, indexed=bool(settings.meili_url)),
            counter=counter if settings.counting == "on" else None,
            weights=weights,
            allowances=allowances,
            tallies=PostgresTallies(core.database),
            reports=PostgresReports(core.database),
            records=PostgresRecords(core.database, core.key),
            erasures=PostgresErasures(core.database),
            audit_log=LogEntries(core.log),
            cases=PostgresCases(core.database),
            quotas=PostgresQuotas(core.database),
            blocklist=PostgresBlocklist(core.database),
            judge=judge(core, positions),
            webhooks=webhooks.kept(core),
            upkeep=PostgresUpkeep(core.database),
            parking=LogParking(core.log, core.store),
            check_url=partial(allowed, public=PublicAddresses(networks(settings.webhook_allow))),
            new_id=new_id,
            clock=now,
            public_url=settings.public_url,
            admin_email=settings.admin_email,
            confirmed=settings.confirmed,
            spool=core.spool,
            caps=settings.caps,
            pace=Pace(
                grace=settings.body_grace,
                rate=settings.body_min_rate,
                reading_rate=settings.answer_min_rate,
            ),
            streams=Turnstile(CONNECTIONS // 2),
            archives=Turnstile(ARCHIVES),
            histories=LogHistories(core.log),
            belongings=PostgresFamily(core.database),
            forget=forgetting.forget,
            lifespan=[running],
        )
    )


def retention(settings: Settings) -> images.Retention:
    return images.Retention(
        default=timedelta(days=settings.retention_days),
        by_plan={
            name: timedelta(days=plan.retention_days) for name, plan in settings.known_plans.items()
        },
    )


def dispatcher(
    core: Core,
    lab: VipsLab,
    passwords: Argon2Passwords,
    limiter: Limiter | None,
    keys: PostgresApiKeys,
    allowances: PostgresAllowances,
) -> Dispatcher:
    """Every command this service accepts."""
    store, objects, settings = core.store, core.objects, core.settings
    promise: dict[str, Any] = {
        "store": store,
        "now": now,
        "new_id": new_id,
        "lifetime": settings.upload_lifetime,
    }
    arrive: dict[str, Any] = {"objects": objects, "ledger": PostgresLedger(core.database)}
    prove: dict[str, Any] = {
        "lab": Screening(lab, store=store, hasher=core.key),
        "hasher": core.key,
        "twins": PostgresGallery(core.database, core.store),
        "allowances": allowances,
        "gate": DECODE if settings.scanner == DECODE else None,
    }
    names: dict[str, Any] = {"store": store, "hasher": core.key}
    erase: dict[str, Any] = names | {"erasures": PostgresErasures(core.database)}
    owned = PostgresOrganizations(core.database, store)
    capped: dict[str, Any] = {
        "plans": settings.known_plans,
        "caps": settings.caps,
        "allowances": allowances,
    }
    take_in = partial(
        within_plan,
        handler=partial(uploads.take_in, objects=objects, **promise, **prove),
        **capped,
    )
    back: dict[str, Any] = {
        "store": store,
        "belongings": PostgresFamily(core.database),
        "now": now,
    }
    parked: dict[str, Any] = {"store": store, "parking": LogParking(core.log, store)}
    return Dispatcher(
        people.handlers(core, passwords, limiter, keys, owned)
        | {
            uploads.InitiateUpload: partial(
                within_plan,
                handler=partial(
                    uploads.initiate_upload, expiry=settings.upload_expiry, **promise, **arrive
                ),
                **capped,
            ),
            uploads.FinalizeUpload: partial(
                uploads.finalize_upload,
                store=store,
                spool=core.spool,
                now=now,
                new_id=new_id,
                proving=Once(),
                **arrive,
                **prove,
            ),
            uploads.TakeIn: take_in,
            uploads.AbortUpload: partial(uploads.abort_upload, store=store, **arrive),
            standing.InspectUpload: partial(
                standing.inspect_upload,
                store=store,
                now=now,
                expiry=settings.upload_expiry,
                **arrive,
            ),
            receiving.OpenUpload: partial(
                within_plan,
                handler=partial(
                    receiving.open_upload,
                    store=store,
                    ledger=arrive["ledger"],
                    now=now,
                    lifetime=settings.upload_lifetime,
                ),
                **capped,
            ),
            receiving.LocateUpload: partial(
                receiving.locate_upload, store=store, ledger=arrive["ledger"], now=now
            ),
            receiving.ReceiveBytes: partial(
                receiving.receive_bytes, store=store, spool=core.spool, now=now, **arrive
            ),
            imports.ImportImage: partial(
                imports.import_image,
                store=store,
                fetcher=HttpFetcher(PublicAddresses(networks(settings.import_allow))),
                spool=core.spool,
                max_bytes=settings.caps.file_bytes,
                take_in=take_in,
            ),
            images.ChangeImage: partial(images.change_image, store=store, now=now),
            images.DeleteImage: partial(
                images.delete_image,
                store=store,
                now=now,
                retention=retention(settings),
            ),
            images.RestoreImage: partial(images.restore_image, store=store, now=now),
            **_albums(store),
            **webhooks.handlers(core),
            restoring.RestoreAlbum: partial(restoring.restore_album, **back),
            restoring.RestoreAccount: partial(restoring.restore_account, **back),
            upkeep.OrderRebuild: partial(
                upkeep.order_rebuild,
                store=store,
                orders=PostgresUpkeep(core.database),
                models=list(PROJECTIONS),
            ),
            upkeep.RetryEvent: partial(upkeep.retry_event, **parked),
            upkeep.SkipEvent: partial(upkeep.skip_event, **parked),
            **_organizations(core, owned, erase),
            lending.AddCollaborator: partial(lending.add_collaborator, store=store, now=now),
            lending.RemoveCollaborator: partial(lending.remove_collaborator, store=store, now=now),
            takedown.Counter: partial(takedown.counter, store=store, now=now),
            bulk.ActOnMany: partial(
                bulk.act_on_many, now=now, retention=retention(settings), **erase
            ),
            bulk.UndoOperation: partial(bulk.undo_operation, retention=retention(settings), **back),
            **_sharing(core, passwords, limiter),
            erasure.PurgeImage: partial(erasure.purge_image, now=now, **erase),
        }
    )


def _sharing(core: Core, hashing: Argon2Passwords, limiter: Limiter | None) -> dict[type, Handler]:
    passwords = PostgresSharePasswords(core.database, hashing)
    given: dict[str, Any] = {"store": core.store, "now": now, "passwords": passwords}
    return {
        images.ShareImage: partial(images.share_image, new_id=new_id, **given),
        images.RevokeShare: partial(images.revoke_share, **given),
        albums.ShareAlbum: partial(albums.share_album, **given),
        albums.RevokeAlbumShare: partial(albums.revoke_album_share, **given),
        share_links.UnlockShare: partial(
            share_links.unlock_share, passwords=passwords, guesses=Guesses(limiter)
        ),
    }


def _albums(store: EventStore) -> dict[type, Handler]:
    return {
        command: partial(handler, store=store, now=now)
        for command, handler in (
            (albums.CreateAlbum, albums.create_album),
            (albums.ChangeAlbum, albums.change_album),
            (albums.ArrangeAlbum, albums.arrange_album),
            (albums.DeleteAlbum, albums.delete_album),
            (albums.LendAlbum, albums.lend_album),
            (albums.TakeAlbumBack, albums.take_album_back),
            (albums.PlaceImage, albums.place_image),
        )
    }


def _organizations(
    core: Core, owned: PostgresOrganizations, erase: dict[str, Any]
) -> dict[type, Handler]:
    """`erase` is what destroying needs, the store among it."""
    settings, store, hasher = core.settings, core.store, core.key
    return {
        organizations.CreateOrganization: partial(
            organizations.create_organization,
            store=store,
            owned=owned,
            plan=settings.plan,
            quota_bytes=settings.quota_bytes,
        ),
        organizations.Govern: partial(organizations.govern, store=store),
        organizations.Invite: partial(
            organizations.invite,
            store=store,
            hasher=hasher,
            letters=letters(core),
            now=now,
            confirmed=core.settings.confirmed,
        ),
        organizations.Join: partial(organizations.join, store=store, now=now),
        organizations.TransferOwnership: partial(
            organizations.transfer_ownership, store=store, owned=owned
        ),
        organizations.DeleteOrganization: partial(organizations.delete_organization, **erase),
    }
