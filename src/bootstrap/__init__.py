"""The composition root: the one place that knows everybody. Here is what every role needs."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from nats.aio.client import Client

from adapters import jetstream
from adapters.database import Database
from adapters.event_store import EventLog, EventSourcedStore
from adapters.jetstream import Names
from adapters.keyring import Keyring
from adapters.keys import InstanceKey
from adapters.letters import PostgresLetters
from adapters.sealing import Sealer
from adapters.sessions import PostgresSessions
from domain.ids import uuid7
from settings import Settings

if TYPE_CHECKING:
    from adapters.lab import VipsLab
    from adapters.s3_multipart import S3Multipart
    from adapters.smtp import FolderMailer
    from adapters.token_keys import TokenKeys
    from commands.review import Scanner
    from projections.clearing import Edge


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
    """The database, the log, NATS, the object store.

    Whatever takes long to import comes in on first use: every role starts in a process of its own.
    """

    def __init__(self, settings: Settings, *, create: bool = False, connections: int = 20) -> None:
        log_as_json(settings.log_level)
        if settings.otlp_url:
            from adapters.tracing import start

            start(settings.otlp_url, settings.otlp_ratio)
        self.settings = settings
        self.key = InstanceKey(settings.instance_key)
        self.database = Database(settings.database_url, max_size=connections)
        self.log = EventLog(self.database, Keyring(self.key), create=create)
        self.store = EventSourcedStore(self.log, now)
        self.names = Names(settings.namespace)
        self.spool = Path(settings.spool or os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - bounded, private files
        self.nats: Client

    @cached_property
    def objects(self) -> "S3Multipart":
        from adapters.s3_multipart import S3Multipart

        return S3Multipart(
            public_url=self.settings.objects_public_url,
            bucket=self.settings.namespace,
            folder=self.settings.objects_folder,
            **self.object_store,
        )

    @property
    def object_store(self) -> dict[str, str]:
        """How to reach it, whichever bucket."""
        return {
            "url": self.settings.objects_url,
            "access_key": self.settings.objects_access_key,
            "secret_key": self.settings.objects_secret_key,
            "region": self.settings.objects_region,
        }

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """To the database and NATS."""
        async with AsyncExitStack() as stack:
            stack.callback(self.log.close)
            await self.database.open()
            stack.push_async_callback(self.database.close)
            self.nats = await jetstream.connect(self.settings.nats_url)
            stack.push_async_callback(self.nats.close)
            yield

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The same, and the object store."""
        async with self.connected():
            await self.objects.open()
            try:
                yield
            finally:
                await self.objects.close()

    @asynccontextmanager
    async def lab(self) -> AsyncIterator["VipsLab"]:
        from adapters.lab import VipsLab

        lab = VipsLab(self.settings.caps, workers=self.settings.lab_workers)
        lab.start()
        try:
            yield lab
        finally:
            await lab.close()


def sessions(core: Core) -> PostgresSessions:
    lifetime = timedelta(days=core.settings.refresh_token_days)
    return PostgresSessions(core.database, lifetime=lifetime, now=now)


def signing_keys(core: Core) -> "TokenKeys":
    from adapters.token_keys import TokenKeys

    lifetime = core.settings.access_token_seconds
    return TokenKeys(core.database, core.key, lifetime=lifetime)


def mail_folder(core: Core) -> "FolderMailer":
    from adapters.smtp import FolderMailer

    folder = core.settings.mail_folder
    return FolderMailer(Path(folder) if folder else core.spool / "mail", core.settings.mail_from)


def letters(core: Core) -> PostgresLetters:
    return PostgresLetters(core.database, Sealer(core.key.derived("letters")))


def scanner(settings: Settings) -> "Scanner":
    from adapters.clamd import AlreadyDecoded, Clamd

    return Clamd(settings.clamd) if settings.scanner == Clamd.name else AlreadyDecoded()


def cdn(settings: Settings) -> "Edge | None":
    from adapters.edge import HttpCdn, Varnish

    if settings.cdn == "varnish":
        return Varnish([url.strip() for url in settings.cdn_url.split(",") if url.strip()])
    if settings.cdn == "http":
        return HttpCdn(settings.cdn_url, method=settings.cdn_method, header=settings.cdn_header)
    return None
