"""The composition root: the one place that knows everybody."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import structlog
from granian import Granian
from granian.constants import Interfaces, Loops
from litestar import Litestar
from nats.aio.client import Client

from adapters import jetstream
from adapters import rebuild as rebuilding
from adapters.accounts import PostgresAccounts
from adapters.database import Database
from adapters.development import Desk, PostgresPrints
from adapters.event_store import EventLog, EventSourcedStore, Keyring
from adapters.gallery import PostgresGallery
from adapters.health import Health
from adapters.jetstream import Names
from adapters.keys import InstanceKey
from adapters.lab import VipsLab
from adapters.metrics import Metrics
from adapters.passwords import Argon2Passwords
from adapters.positions import HeardPositions
from adapters.projector import Projector
from adapters.read_model import ReadModel
from adapters.rebuild import RebuildReport, Report
from adapters.relay import Relay
from adapters.s3 import S3Objects
from adapters.sandbox import die_with_parent
from adapters.search import PostgresSearch
from adapters.sessions import PostgresSessions
from adapters.signed_urls import HmacUrls
from adapters.tokens import JwtTokens
from api.app import create
from api.parts import Parts
from commands import accounts, images, uploads
from commands.dispatcher import Dispatcher
from commands.once import Once
from commands.prints import Printer
from domain.ids import uuid7
from projections import development
from projections.projection import ALL
from settings import Settings, load

PROJECTIONS = {projection.name: projection for projection in ALL}
IDLE = 0.3  # seconds between looks for an image to develop, when there was none


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    return uuid7(now(), os.urandom(10))


def log_as_json(level: str) -> None:
    """One line of JSON an entry; tracebacks without variables, which would hold secrets."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


class Core:
    """What every role needs: the database, the log, NATS, the object store."""

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        log_as_json(settings.log_level)
        self.settings = settings
        self.key = InstanceKey(settings.instance_key)
        self.database = Database(settings.database_url)
        self.log = EventLog(self.database, Keyring(self.key), create=create)
        self.store = EventSourcedStore(self.log, now)
        self.names = Names(settings.namespace)
        self.spool = Path(settings.spool or os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - bounded, private files
        self.objects = S3Objects(
            url=settings.objects_url,
            public_url=settings.objects_public_url,
            access_key=settings.objects_access_key,
            secret_key=settings.objects_secret_key,
            region=settings.objects_region,
            bucket=settings.namespace,
            folder=settings.objects_folder,
        )
        self.nats: Client

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(self.log.close)
            await self.database.open()
            stack.push_async_callback(self.database.close)
            await self.objects.open()
            stack.push_async_callback(self.objects.close)
            self.nats = await jetstream.connect(self.settings.nats_url)
            stack.push_async_callback(self.nats.close)
            yield

    @asynccontextmanager
    async def lab(self) -> AsyncIterator[VipsLab]:
        lab = VipsLab(self.settings.caps, workers=self.settings.lab_workers)
        await lab.open()
        try:
            yield lab
        finally:
            await lab.close()


async def prepare(settings: Settings) -> None:
    """Create whatever is not there yet: schemas, tables, bucket, stream."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("create schema if not exists log")
        connection.execute((files("adapters") / "secrets.sql").read_bytes())
    core = Core(settings, create=True)
    async with core.opened(), core.database.connection() as connection:
        for projection in ALL:
            await ReadModel(projection).create(connection)
        await core.objects.ensure_bucket()
        await jetstream.ensure_stream(core.nats.jetstream(), core.names)


async def run_relay(settings: Settings) -> None:
    core = Core(settings)
    async with core.opened():
        await Relay(core.log, core.nats, core.names, partial(_slowest, core)).run()


async def run_projectors(settings: Settings) -> None:
    core = Core(settings)
    async with core.opened(), asyncio.TaskGroup() as group:
        for projection in ALL:
            projector = Projector(ReadModel(projection), core.log, core.nats, core.names)
            group.create_task(projector.run())


async def run_reactors(settings: Settings) -> None:
    core = Core(settings)
    async with core.opened(), core.lab() as lab, asyncio.TaskGroup() as group:
        for _ in range(settings.lab_workers):
            group.create_task(_develop_for_ever(core, lab))


async def _develop_for_ever(core: Core, lab: VipsLab) -> None:
    desk = Desk(core.database)
    develop = partial(development.develop, objects=core.objects, lab=lab, spool=core.spool)
    log = structlog.get_logger()
    while True:
        try:
            worked = await desk.next(develop)
        except Exception as error:
            log.warning("development interrupted", reason=str(error) or type(error).__name__)
            worked = False
        if not worked:
            await asyncio.sleep(IDLE)


async def _slowest(core: Core) -> int:
    """The position that every read model has reached."""
    async with core.database.connection() as connection:
        return min([await ReadModel(projection).position(connection) for projection in ALL])


async def rebuild(settings: Settings, names: Sequence[str], report: Report) -> list[RebuildReport]:
    core = Core(settings)
    async with core.opened(), core.lab() as lab:
        return [
            await rebuilding.rebuild(
                PROJECTIONS[name],
                core.log,
                report,
                partial(_develop_all, core, lab) if name == development.NAME else None,
            )
            for name in names
        ]


async def _develop_all(core: Core, lab: VipsLab, schema: str) -> None:
    """Develop whatever is exposed in a generation that is being built."""
    develop = partial(development.develop, objects=core.objects, lab=lab, spool=core.spool)

    async def work() -> None:
        while await Desk(core.database, schema).next(develop):
            pass

    await asyncio.gather(*(work() for _ in range(core.settings.lab_workers)))


async def status(settings: Settings) -> dict[str, Any]:
    core = Core(settings)
    async with core.opened():
        return await Health(core.database, core.log, core.nats, core.objects, settings).ready()


def run_api(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    Granian(
        "bootstrap:app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.api_workers,
        respawn_failed_workers=True,
        workers_kill_timeout=2,
        log_access=False,
        websockets=False,
    ).serve()


def app() -> Litestar:
    """The API of one worker process, from its environment."""
    die_with_parent()
    return application(load(os.environ))


def application(settings: Settings) -> Litestar:
    core = Core(settings)
    metrics = Metrics()
    lab = VipsLab(settings.caps, workers=settings.lab_workers)
    positions = HeardPositions(core.database, core.names)
    sessions = PostgresSessions(
        core.database, lifetime=timedelta(days=settings.refresh_token_days), now=now
    )
    passwords = Argon2Passwords(core.database)
    key_id, token_key = core.key.token_key()

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        async with core.opened():
            health.nats = core.nats
            await positions.listen(core.nats)
            await lab.open()
            try:
                yield
            finally:
                await lab.close()

    health = Health(core.database, core.log, None, core.objects, settings)
    return create(
        Parts(
            dispatch=dispatcher(core, lab, sessions, passwords),
            gallery=PostgresGallery(core.database),
            accounts=PostgresAccounts(core.database),
            search=PostgresSearch(core.database),
            prints=PostgresPrints(core.database),
            positions=positions,
            objects=core.objects,
            lab=lab,
            printer=Printer(core.objects, lab, core.spool),
            store=core.store,
            hasher=core.key,
            sessions=sessions,
            tokens=JwtTokens(
                key_id,
                token_key,
                issuer=settings.public_url,
                lifetime=settings.access_token_seconds,
                now=now,
            ),
            signer=HmacUrls(core.key.url_keys()),
            health=health,
            metrics=metrics,
            clock=now,
            public_url=settings.public_url,
            spool=core.spool,
            caps=settings.caps,
            lifespan=[running],
        )
    )


def dispatcher(
    core: Core, lab: VipsLab, sessions: PostgresSessions, passwords: Argon2Passwords
) -> Dispatcher:
    """Every command this service accepts."""
    store, objects, settings = core.store, core.objects, core.settings
    upload: dict[str, Any] = {"caps": settings.caps, "expiry": settings.upload_expiry}
    decode: dict[str, Any] = {"lab": lab, "objects": objects, "store": store}
    names: dict[str, Any] = {"store": store, "hasher": core.key}
    return Dispatcher(
        {
            uploads.InitiateUpload: partial(
                uploads.initiate_upload,
                store=store,
                objects=objects,
                now=now,
                new_id=new_id,
                **upload,
            ),
            uploads.FinalizeUpload: partial(
                uploads.finalize_upload,
                spool=core.spool,
                new_id=new_id,
                proving=Once(),
                **decode,
            ),
            uploads.TakeIn: partial(uploads.take_in, now=now, new_id=new_id, **decode, **upload),
            uploads.AbortUpload: partial(uploads.abort_upload, store=store, objects=objects),
            images.ChangeImage: partial(images.change_image, store=store, now=now),
            images.DeleteImage: partial(
                images.delete_image,
                store=store,
                now=now,
                retention=timedelta(days=settings.retention_days),
            ),
            images.RestoreImage: partial(images.restore_image, store=store, now=now),
            images.ShareImage: partial(images.share_image, store=store, now=now, new_id=new_id),
            images.RevokeShare: partial(images.revoke_share, store=store, now=now),
            accounts.SignUp: partial(
                accounts.sign_up,
                passwords=passwords,
                new_id=new_id,
                plan=settings.plan,
                quota_bytes=settings.quota_bytes,
                **names,
            ),
            accounts.LogIn: partial(
                accounts.log_in, passwords=passwords, sessions=sessions, **names
            ),
            accounts.ChangeAccount: partial(accounts.change_account, **names),
        }
    )
