"""One frozen struct from DARKROOM_*."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain.limits import Limits, Policy
from domain.media import Caps
from domain.plan import FREE, PREMIUM, Plan, merged
from domain.transform import STEPS

PREFIX = "DARKROOM_"
CLIENTS = ("token", "url")
"""Names that `darkroom upload` reads; the service has no use for them."""


_STEPS = re.compile(r"(\s*\d{1,5}\s*(,|$))*")
_PLANS = re.compile(r"(\s*[\w-]+\s*=\s*\d+\s*(,|$))*")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    database_url: str
    """Event store and read models: a Postgres connection string."""
    nats_url: str
    objects_url: str
    """The S3 endpoint, as Darkroom reaches it."""
    objects_public_url: str = ""
    """The S3 endpoint as clients reach it, in presigned URLs; default: objects_url."""
    objects_access_key: str
    objects_secret_key: str
    objects_region: str = "us-east-1"
    objects_folder: str = ""
    """Where the object store keeps its files, if it runs on this machine: `settle` syncs it."""
    objects_vacuum_url: str = ""
    """Asked by `darkroom erasure compact`; SeaweedFS then rewrites its volumes."""
    instance_key: str
    """32 bytes in base64; every other key is derived from it. Lose it and lose personal content."""
    namespace: str = "darkroom"
    """Name of the bucket, of the NATS stream and of its subjects: one cluster can hold several."""
    public_url: str = "http://127.0.0.1:8080"
    """How clients reach this service."""
    host: str = "127.0.0.1"
    port: int = 8080
    api_workers: int = 2
    lab_workers: int = 2
    """Decoding children of each role that decodes; the processes of an API share them out, and
    each has one at least."""
    lab_queue: int = 64
    """Files that wait for one of them; who comes then is told to come again."""
    rendering_queue: int = 256
    """Renderings that wait, in one process, until they can be fetched or made; the same."""
    rendering_memory: int = 32 * 1024**2
    """Bytes of small renderings that a process keeps at hand."""
    spool: str = ""
    """Folder for files on their way through; default: the system's temporary folder."""
    plan: str = "free"
    quota_bytes: int = 10 * 1024**3
    """Of a new account."""
    retention_days: int = 30
    """How long a deleted image can be restored."""
    retention_plans: str = ""
    """The same by plan, where it differs, like `pro=90,team=365`."""
    upload_expiry: int = 900
    """Seconds a presigned URL is good for."""
    upload_lifetime: int = 86_400
    """Seconds an upload may take, from its promise to its last byte."""
    orphan_grace: int = 3_600
    """Seconds that bytes which no event refers to are left alone."""
    scanner: Literal["decode", "clamd"] = "decode"
    """What an image must have passed before anybody but its owner sees it."""
    clamd: str = ""
    """Where clamd listens: the path of its socket, or host:port."""
    cdn: Literal["", "varnish", "http"] = ""
    """Who keeps copies of what is public, and is told when to forget them."""
    cdn_url: str = ""
    """Of Varnish: where each one listens, commas between them. Of another: its purge API, with
    {key} where the surrogate key, an image's id, is to stand."""
    cdn_method: str = "POST"
    cdn_header: str = ""
    """What a purge API wants to see, like `Authorization: Bearer ...` or `Surrogate-Key: {key}`."""
    max_file_bytes: int = 64 * 1024**2
    header_timeout: int = 10
    """Seconds for a request's headers, and that an idle connection is kept; at most 60."""
    body_grace: int = 10
    """Seconds until a body's first byte, and of arrears that its sender may run up."""
    body_min_rate: int = 4_096
    """Bytes a second below which a sender runs up arrears, and is then sent away."""
    answer_min_rate: int = 16_384
    """Bytes a second below which a reader of an answer is sent away."""
    access_token_seconds: int = 900
    refresh_token_days: int = 30
    rate_limits: Literal["on", "off"] = "on"
    plans: str = ""
    """JSON: what differs from the plans free and premium, by plan, and plans of your own, like
    {"team": {"storageBytes": 5000000000, "requestsPerMinute": 600}}."""
    requests_anonymous: int = 3_000
    """How many a minute from one address, without credentials."""
    requests_signing_in: int = 600
    """How many a minute from one address to where credentials are taken."""
    reports_per_hour: int = 20
    """Of abuse, from one address."""
    trusted_proxies: str = ""
    """Networks, like 10.1.0.0/16, whose X-Forwarded-For is believed."""
    meili_url: str = ""
    """Where Meilisearch answers; without it, Postgres searches."""
    meili_key: str = ""
    """One that may do everything with the indexes whose names begin with the namespace."""
    search_synonyms: str = ""
    """JSON, like {"sea": ["ocean"]}; for Meilisearch."""
    search_languages: str = ""
    """ISO 639-3, like deu,jpn: of which words are found in their other forms, too; and what
    Meilisearch takes text for, where else it guesses."""
    counting: Literal["on", "off"] = "on"
    """Of views and downloads."""
    log_level: str = "info"
    metrics_port: int = 0
    """Where a role without an API serves its metrics, on all addresses; 0: nowhere."""
    otlp_url: str = ""
    """Where traces go, like http://collector:4318/v1/traces (OTLP over HTTP); empty: nowhere."""
    otlp_ratio: float = 1.0
    """Of all requests, which part is traced: the same ones in every process."""
    oidc: str = ""
    """JSON: OpenID Connect providers to sign in through, by a name for each, like {"acme":
    {"issuer": "https://id.acme.example", "clientId": "darkroom", "clientSecret": "..."}}."""
    smtp_url: str = ""
    """Who delivers mail: smtp://user:password@host:587 or smtps://host:465; else it goes to a
    folder."""
    mail_from: str = "Darkroom <darkroom@localhost>"
    mail_folder: str = ""
    """Where mail is left without a server; default: in the spool."""
    admin_email: str = ""
    audit_bucket: str = ""
    """A bucket with object lock, for a checkpoint of the log every hour; none where empty."""
    audit_days: int = 365
    """How long a checkpoint there can be neither changed nor deleted."""
    transform_steps: str = ",".join(map(str, STEPS))
    """Widths and heights that transforms may have without a signed URL."""
    transform_budget: int = 200
    """New transforms of one image a day, without a signed URL."""
    transform_bytes: int = 5 * 1024**3
    """How much of transforms is kept; what was not used for longest goes first."""
    import_allow: str = ""
    """Networks, like 10.1.0.0/16, that images may be imported from though they are not public."""

    webhook_allow: str = ""
    """The same for webhooks that may be told though they are not public."""
    webhook_patience: int = 86_400
    """Seconds for which an event is tried before a webhook's owner is told that it was given up."""

    @property
    def steps(self) -> frozenset[int]:
        return frozenset(int(it) for it in self.transform_steps.split(",") if it.strip())

    @property
    def retention_by_plan(self) -> dict[str, int]:
        return _by_plan(self.retention_plans)

    @property
    def confirmed(self) -> bool:
        """Whether an address stands for an account only once that has confirmed it: where mail goes
        out, so that everybody can."""
        return bool(self.smtp_url)

    @property
    def known_plans(self) -> Mapping[str, Plan]:
        """`quota_bytes` and the retention settings are figures of plans, too."""
        base = {self.plan: FREE, "free": FREE, "premium": PREMIUM}
        base[self.plan] = replace(
            base[self.plan], storage_bytes=self.quota_bytes, retention_days=self.retention_days
        )
        for name, days in self.retention_by_plan.items():
            base[name] = replace(base.get(name, FREE), retention_days=days)
        return merged(base, self.plans)

    @property
    def known_synonyms(self) -> Mapping[str, list[str]]:
        text = self.search_synonyms or "{}"
        return msgspec.json.decode(text.encode(), type=dict[str, list[str]])

    @property
    def known_languages(self) -> Sequence[str]:
        return [it.strip() for it in self.search_languages.split(",") if it.strip()]

    @property
    def limits(self) -> Limits:
        return Limits(
            by_plan={
                name: Policy("requests", plan.requests_per_minute)
                for name, plan in self.known_plans.items()
            },
            anonymous=Policy("anonymous", self.requests_anonymous),
            signing_in=Policy("signing-in", self.requests_signing_in),
        )

    @property
    def caps(self) -> Caps:
        return Caps(file_bytes=self.max_file_bytes)


def load(environ: Mapping[str, str]) -> Settings:
    """Read DARKROOM_*; a missing, unknown or malformed name is an error at start-up."""
    ours = {k.removeprefix(PREFIX).lower(): v for k, v in environ.items() if k.startswith(PREFIX)}
    ours = {name: value for name, value in ours.items() if name not in CLIENTS}
    settings = msgspec.convert(ours, Settings, strict=False)
    if not _PLANS.fullmatch(settings.retention_plans):
        raise msgspec.ValidationError("retention_plans must be like pro=90,team=365")
    if not _STEPS.fullmatch(settings.transform_steps):
        raise msgspec.ValidationError("transform_steps must be like 320,640,1280")
    if settings.scanner == "clamd" and not settings.clamd:
        raise msgspec.ValidationError("clamd must name a socket or host:port for scanner=clamd")
    if settings.cdn and not settings.cdn_url.strip(", "):
        raise msgspec.ValidationError("cdn_url must say where the CDN is told what to forget")
    _ = settings.known_plans, settings.limits, settings.known_synonyms
    return settings


def _by_plan(text: str) -> dict[str, int]:
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {plan.strip(): int(figure) for plan, _, figure in pairs}
