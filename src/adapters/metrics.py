"""Prometheus metrics of all processes of this machine, through PROMETHEUS_MULTIPROC_DIR."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
    values,
)


class _Process:
    """Whose figures these are: every increment asks, and the library itself by a system call."""

    def __init__(self) -> None:
        self._look()
        os.register_at_fork(after_in_child=self._look)

    def __call__(self) -> int:
        return self._number

    def _look(self) -> None:
        self._number = os.getpid()


if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    values.ValueClass = values.MultiProcessValue(_Process())  # type: ignore[no-untyped-call]

COMMITTED = Counter("darkroom_events_committed", "Events appended to the log.")
COMMIT_SECONDS = Histogram("darkroom_commit_seconds", "One transaction of appends, many writers'.")
PUBLISHED = Counter("darkroom_events_published", "Events that the relay took to NATS.")
PROJECTED = Counter("darkroom_events_projected", "Events applied, by read model.", ["model"])
GAPS = Counter(
    "darkroom_projection_gaps", "Messages missed, and read from the log instead.", ["model"]
)
LAG = Gauge(
    "darkroom_projection_lag",
    "Positions between a read model and the end of the log.",
    ["model"],
    multiprocess_mode="mostrecent",
)
PARKED = Gauge(
    "darkroom_projection_parked",
    "Events that a read model could not take.",
    ["model"],
    multiprocess_mode="mostrecent",
)
POOL_SECONDS = Histogram(
    "darkroom_database_wait_seconds",
    "Until a connection of the pool was free.",
    buckets=(0.0001, 0.001, 0.01, 0.1, 1, 5),
)
WEBHOOK_DELIVERIES = Counter(
    "darkroom_webhook_deliveries", "Tries to tell a webhook, by what came of them.", ["state"]
)
WEBHOOKS_BEHIND = Gauge(
    "darkroom_webhooks_behind",
    "Webhooks with something to be told.",
    multiprocess_mode="mostrecent",
)
WEBHOOK_OLDEST = Gauge(
    "darkroom_webhook_oldest_seconds",
    "Since the oldest event happened that a webhook was not told yet.",
    multiprocess_mode="mostrecent",
)
WEBHOOK_DEAD = Gauge(
    "darkroom_webhook_dead_letters",
    "Events given up, of the last thousand deliveries of each webhook.",
    multiprocess_mode="mostrecent",
)
LAB_SECONDS = Histogram("darkroom_lab_seconds", "Decoding, with the wait for a child.", ["work"])
LAB_QUEUED = Gauge(
    "darkroom_lab_queued", "Files being decoded or waiting to be.", multiprocess_mode="livesum"
)
OBJECTS_SECONDS = Histogram(
    "darkroom_objects_seconds", "Requests to the object store, until answered.", ["operation"]
)

CACHE_LOOKUPS = Counter(
    "darkroom_cache_lookups", "What was looked for at hand, and whether it was.", ["cache", "found"]
)
ARCHIVES = Gauge("darkroom_archives", "Archives being sent.", multiprocess_mode="livesum")
ARCHIVE_BYTES = Counter("darkroom_archive_bytes", "Of archives that were sent.")
COUNTS_WAITING = Gauge(
    "darkroom_counts_waiting",
    "Sums and viewers that are not written down yet.",
    multiprocess_mode="livesum",
)
COUNTS_DROPPED = Counter(
    "darkroom_counts_dropped", "Looks that were not counted: the database was away for too long."
)
COUNTS_SECONDS = Histogram("darkroom_counts_seconds", "Writing down what was counted.")
INDEXED = Counter("darkroom_search_indexed", "Images that the search server was told of.")
WORK_SECONDS = Histogram(
    "darkroom_work_seconds",
    "A step of what reactors do, where there was something to do.",
    ["work"],
    buckets=(0.001, 0.01, 0.1, 1, 10, 100),
)
WORK_INTERRUPTED = Counter(
    "darkroom_work_interrupted", "Steps that something stood in the way of.", ["work"]
)
WAITING = Gauge(
    "darkroom_waiting",
    "What waits for a reactor: images, letters, hours, positions.",
    ["queue"],
    multiprocess_mode="mostrecent",
)
STORED = Gauge(
    "darkroom_stored",
    "Images; bytes of originals, and bytes that are promised to uploads.",
    ["what"],
    multiprocess_mode="mostrecent",
)


def serve(port: int) -> None:
    """For a role that has no API to show its page; a thread of its own answers."""
    start_http_server(port)


class Metrics:
    """What the API counts, and the page that shows what everybody counted."""

    def __init__(self) -> None:
        self._requests = Counter(
            "darkroom_http_requests", "Answers, by route and status.", ["method", "route", "status"]
        )
        self._seconds = Histogram(
            "darkroom_http_seconds", "Time until the answer began.", ["method", "route"]
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._caches: dict[tuple[str, bool], Counter] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        requests, times = self._of(method, route, status)
        requests.inc()
        times.observe(seconds)

    def _of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Looked up once: it costs more than counting."""
        known = self._known.get((method, route, status))
        if known is None:
            labels = self._requests.labels(method, route, str(status))
            known = self._known[method, route, status] = labels, self._seconds.labels(method, route)
        return known

    def looked_for(self, cache: str, *, found: bool) -> None:
        child = self._caches.get((cache, found))
        if child is None:
            child = CACHE_LOOKUPS.labels(cache, str(found).lower())
            self._caches[cache, found] = child
        child.inc()

    @contextmanager
    def archiving(self) -> Iterator[Callable[[int], None]]:
        with ARCHIVES.track_inprogress():
            yield ARCHIVE_BYTES.inc

    def waiting(self, queues: Mapping[str, int], stored: Mapping[str, int]) -> None:
        """As Backlogs tells it."""
        for gauge, found in ((WAITING, queues), (STORED, stored)):
            for name, count in found.items():
                gauge.labels(name).set(count)

    def standing(self, models: Sequence[Mapping[str, Any]]) -> None:
        """How far read models are, as health tells it."""
        for model in models:
            LAG.labels(model["name"]).set(model["lag"])
            PARKED.labels(model["name"]).set(model["parked"])

    def untold(self, behind: int, oldest: float, dead: int) -> None:
        WEBHOOKS_BEHIND.set(behind)
        WEBHOOK_OLDEST.set(oldest)
        WEBHOOK_DEAD.set(dead)

    def page(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        registry: CollectorRegistry = REGISTRY
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped there
        return generate_latest(registry), CONTENT_TYPE_LATEST
