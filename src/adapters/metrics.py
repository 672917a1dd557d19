"""Prometheus metrics of all processes of this machine, through PROMETHEUS_MULTIPROC_DIR."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)


class Metrics:
    """What the API counts, and the page that shows what everybody counted."""

    def __init__(self) -> None:
        self._requests = Counter(
            "darkroom_http_requests", "Answers, by route and status.", ["method", "route", "status"]
        )
        self._seconds = Histogram(
            "darkroom_http_seconds", "Time until the answer began.", ["method", "route"]
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def page(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        registry: CollectorRegistry = REGISTRY
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped there
        return generate_latest(registry), CONTENT_TYPE_LATEST
