"""What the HTTP face is given to work with."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.clients import Network
from api.deadlines import Pace
from api.streaming import Turnstile
from commands.api_keys import ApiKeys
from commands.counts import Counter, Tallies
from commands.credentials import AccessTokens, Credentials
from commands.dispatcher import Dispatcher
from commands.erasure import Erasures
from commands.idempotency import Records
from commands.lab import Lab
from commands.ledger import Ledger
from commands.limits import Tolls
from commands.oidc import Provider
from commands.ports import EventStore, Hasher, NewId, ObjectStore
from commands.prints import Printer, Weights
from commands.restoring import Belongings
from commands.sessions import Sessions
from commands.signing import KeyFinder, UrlSigner
from commands.transfers import Allowances
from commands.transforming import Transformer
from commands.upkeep import Parking, Upkeep
from commands.upload_tokens import UploadTokens
from commands.webhooks import Webhooks
from domain.media import Caps
from projections.accounts import Accounts
from projections.albums import Albums
from projections.audit_log import AuditLog
from projections.blocklist import Blocklist
from projections.development import Prints
from projections.feed import Feed
from projections.gallery import Gallery
from projections.judging import Judge
from projections.likeness import Likenesses
from projections.metering import Reports
from projections.notices import Notices
from projections.organizations import Organizations
from projections.positions import Positions
from projections.quotas import Quotas
from projections.reaper import Histories
from projections.reports import Cases
from projections.scanning import Suspects
from projections.search import Search


class HealthCheck(Protocol):
    async def ready(self) -> dict[str, Any]:
        """`ready`, each server's state, each read model's lag."""
        ...

    async def progress(self) -> tuple[int | None, list[dict[str, Any]]]:
        """The last position, and every read model; nothing where the database is away."""
        ...


class Backlogs(Protocol):
    async def waiting(self) -> Mapping[str, int]:
        """By queue: images, letters, hours or positions that wait for a reactor."""
        ...

    async def stored(self) -> Mapping[str, int]:
        """Images, and bytes by whether they are there or promised."""
        ...


class MetricsPage(Protocol):
    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an answer by its route's template, never by what stood in its place."""
        ...

    def standing(self, models: Sequence[Mapping[str, Any]]) -> None:
        """How far read models are, as health tells it."""
        ...

    def looked_for(self, cache: str, *, found: bool) -> None:
        """Of what a process keeps at hand."""
        ...

    def archiving(self) -> AbstractContextManager[Callable[[int], None]]:
        """While an archive is sent; gives what to call with the bytes that went out."""
        ...

    def waiting(self, queues: Mapping[str, int], stored: Mapping[str, int]) -> None:
        """What waits, by queue, and what is stored, by kind."""
        ...

    def untold(self, behind: int, oldest: float, dead: int) -> None:
        """Of webhooks: how many are behind, by how many seconds, and events given up."""
        ...

    def page(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        ...


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    dispatch: Dispatcher
    gallery: Gallery
    albums: Albums
    organizations: Organizations
    suspects: Suspects
    notices: Notices
    accounts: Accounts
    search: Search
    likenesses: Likenesses
    prints: Prints
    feed: Feed
    positions: Positions
    objects: ObjectStore
    ledger: Ledger
    lab: Lab
    printer: Printer
    transformer: Transformer
    steps: Collection[int]
    """Widths and heights that transforms may have without a signature."""
    store: EventStore
    hasher: Hasher
    sessions: Sessions
    tokens: AccessTokens
    credentials: Credentials
    api_keys: ApiKeys
    upload_tokens: UploadTokens
    providers: Mapping[str, Provider]
    """Who can be signed in through."""
    tolls: Tolls | None
    """None where nothing is limited."""
    proxies: Sequence[Network]
    """Whose word about addresses counts."""
    signer: UrlSigner
    url_keys: KeyFinder
    health: HealthCheck
    metrics: MetricsPage
    backlogs: Backlogs
    counter: Counter | None
    """None where no looks are counted."""
    weights: Weights
    allowances: Allowances
    tallies: Tallies
    reports: Reports
    records: Records
    erasures: Erasures
    audit_log: AuditLog
    cases: Cases
    quotas: Quotas
    blocklist: Blocklist
    judge: Judge
    webhooks: Webhooks
    upkeep: Upkeep
    parking: Parking
    check_url: Callable[[str], None]
    """Raises UrlForbidden for where no webhook can be, as far as its URL shows."""
    new_id: NewId
    clock: Callable[[], datetime]
    public_url: str
    admin_email: str
    confirmed: bool
    """Whether an address stands for an account only once that has confirmed it."""
    spool: Path
    caps: Caps
    pace: Pace
    streams: Turnstile
    archives: Turnstile
    histories: Histories
    belongings: Belongings
    forget: list[Callable[[Collection[UUID]], None]]
    """What is to be called with the streams that were erased, by all who remember something."""
    lifespan: Sequence[Callable[..., Any]]


Given: TypeAlias = NamedDependency[SkipValidation[Parts]]
