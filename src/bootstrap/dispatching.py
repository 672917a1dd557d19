"""Every command that the API accepts, each with what it needs."""

from datetime import timedelta
from functools import partial
from typing import Any

from adapters.addresses import PublicAddresses, networks
from adapters.allowances import PostgresAllowances
from adapters.api_keys import PostgresApiKeys
from adapters.erasure import PostgresErasures
from adapters.fetch import HttpFetcher
from adapters.gallery import PostgresGallery
from adapters.lab import VipsLab
from adapters.ledger import PostgresLedger
from adapters.organizations import PostgresOrganizations
from adapters.parking import LogParking
from adapters.passwords import Argon2Passwords
from adapters.places import PostgresFamily
from adapters.share_passwords import PostgresSharePasswords
from adapters.upkeep import PostgresUpkeep
from bootstrap import Core, letters, new_id, now, people, webhooks
from commands import (
    albums,
    bulk,
    erasure,
    finalizing,
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
from commands.limits import Limiter
from commands.once import Once
from commands.plans import within_plan
from commands.ports import EventStore
from domain.gate import DECODE
from projections.projection import PROJECTIONS
from settings import Settings


def dispatcher(
    core: Core,
    lab: VipsLab,
    passwords: Argon2Passwords,
    limiter: Limiter | None,
    keys: PostgresApiKeys,
    allowances: PostgresAllowances,
) -> Dispatcher:
    owned = PostgresOrganizations(core.database, core.store)
    erase: dict[str, Any] = {
        "store": core.store,
        "hasher": core.key,
        "erasures": PostgresErasures(core.database),
    }
    return Dispatcher(
        people.handlers(core, passwords, limiter, keys, owned)
        | _uploads(core, lab, allowances)
        | _images(core, erase)
        | _albums(core.store)
        | _sharing(core, passwords, limiter)
        | _returning(core)
        | _organizations(core, owned, erase)
        | webhooks.handlers(core)
        | _upkeep(core)
    )


def _uploads(core: Core, lab: VipsLab, allowances: PostgresAllowances) -> dict[type, Handler]:
    store, settings = core.store, core.settings
    screening = Screening(lab, store=store, hasher=core.key)
    registrar = finalizing.Registrar(
        store=store,
        objects=core.objects,
        hasher=core.key,
        twins=PostgresGallery(core.database, store),
        allowances=allowances,
        now=now,
        gate=DECODE if settings.scanner == DECODE else None,
    )
    capped: dict[str, Any] = {
        "plans": settings.known_plans,
        "caps": settings.caps,
        "allowances": allowances,
    }
    ledger = PostgresLedger(core.database)
    begin: dict[str, Any] = {"store": store, "now": now, "lifetime": settings.upload_lifetime}
    arrive: dict[str, Any] = {"objects": core.objects, "ledger": ledger}
    initiate = partial(
        uploads.initiate_upload, new_id=new_id, expiry=settings.upload_expiry, **begin, **arrive
    )
    take_in = partial(
        within_plan,
        handler=partial(
            finalizing.take_in,
            registrar=registrar,
            lab=screening,
            new_id=new_id,
            lifetime=settings.upload_lifetime,
        ),
        **capped,
    )
    return {
        uploads.InitiateUpload: partial(within_plan, handler=initiate, **capped),
        uploads.AbortUpload: partial(uploads.abort_upload, store=store, **arrive),
        standing.InspectUpload: partial(
            standing.inspect_upload, store=store, now=now, expiry=settings.upload_expiry, **arrive
        ),
        receiving.OpenUpload: partial(
            within_plan, handler=partial(receiving.open_upload, ledger=ledger, **begin), **capped
        ),
        receiving.LocateUpload: partial(
            receiving.locate_upload, store=store, ledger=ledger, now=now
        ),
        receiving.ReceiveBytes: partial(
            receiving.receive_bytes, store=store, spool=core.spool, now=now, **arrive
        ),
        finalizing.FinalizeUpload: partial(
            finalizing.finalize_upload,
            registrar=registrar,
            lab=screening,
            spool=core.spool,
            new_id=new_id,
            proving=Once(),
            **arrive,
        ),
        finalizing.TakeIn: take_in,
        imports.ImportImage: partial(
            imports.import_image,
            store=store,
            fetcher=HttpFetcher(PublicAddresses(networks(settings.import_allow))),
            spool=core.spool,
            max_bytes=settings.caps.file_bytes,
            take_in=take_in,
        ),
    }


def _images(core: Core, erase: dict[str, Any]) -> dict[type, Handler]:
    """`erase` is what destroying needs, the store among it."""
    given: dict[str, Any] = {"store": core.store, "now": now}
    kept = retention(core.settings)
    return {
        images.ChangeImage: partial(images.change_image, **given),
        images.DeleteImage: partial(images.delete_image, retention=kept, **given),
        images.RestoreImage: partial(images.restore_image, **given),
        lending.AddCollaborator: partial(lending.add_collaborator, **given),
        lending.RemoveCollaborator: partial(lending.remove_collaborator, **given),
        takedown.Counter: partial(takedown.counter, **given),
        bulk.ActOnMany: partial(bulk.act_on_many, now=now, retention=kept, **erase),
        erasure.PurgeImage: partial(erasure.purge_image, now=now, **erase),
    }


def _returning(core: Core) -> dict[type, Handler]:
    given: dict[str, Any] = {
        "store": core.store,
        "belongings": PostgresFamily(core.database),
        "now": now,
    }
    return {
        restoring.RestoreAlbum: partial(restoring.restore_album, **given),
        restoring.RestoreAccount: partial(restoring.restore_account, **given),
        bulk.UndoOperation: partial(
            bulk.undo_operation, retention=retention(core.settings), **given
        ),
    }


def _upkeep(core: Core) -> dict[type, Handler]:
    parked: dict[str, Any] = {"store": core.store, "parking": LogParking(core.log, core.store)}
    return {
        upkeep.OrderRebuild: partial(
            upkeep.order_rebuild,
            store=core.store,
            orders=PostgresUpkeep(core.database),
            models=list(PROJECTIONS),
        ),
        upkeep.RetryEvent: partial(upkeep.retry_event, **parked),
        upkeep.SkipEvent: partial(upkeep.skip_event, **parked),
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


def retention(settings: Settings) -> images.Retention:
    return images.Retention(
        default=timedelta(days=settings.retention_days),
        by_plan={
            name: timedelta(days=plan.retention_days) for name, plan in settings.known_plans.items()
        },
    )
