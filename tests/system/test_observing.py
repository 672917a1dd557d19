"""What those who run it see: traces at their collector, the metrics of every role, a dashboard."""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from adapters import metrics
from adapters.data_folder import DataFolder
from tests.people import Person, eventually, sample
from tests.service import DARKROOM, Service, free_port

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana.json"


class Collector(ThreadingHTTPServer):
    """Takes traces in, as any OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Received)
        self.spans: list = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1/traces"


class _Received(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = ExportTraceServiceRequest.FromString(
            self.rfile.read(int(self.headers["Content-Length"]))
        )
        for resource in asked.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def watched(tmp_path_factory, collector) -> Iterator[Service]:
    running = Service(
        tmp_path_factory.mktemp("watched") / "data",
        DARKROOM_OTLP_URL=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="200",
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def trace(watched, collector) -> list:
    """The spans of one request that finalized an image."""
    ann = Person(watched, "ann")
    dot = sample("valid/sharp__2x2_fdcce6.png")
    ticket = ann.initiate(dot, "dot.png")
    assert ann.put(ticket, dot).status_code == 200
    answer = ann.finalize(ticket)
    assert answer.status_code == 201
    id = bytes.fromhex(answer.headers["x-request-id"])
    httpx.get(answer.json()["thumbnailUrl"])

    def names() -> set[str]:
        return {it.name for it in collector.spans if it.trace_id == id}

    eventually(lambda: {"POST /v1/images", "project gallery"} <= names())
    return [it for it in collector.spans if it.trace_id == id]


def test_a_trace_leads_from_the_request_to_the_read_models(trace):
    spans = {it.name: it for it in trace}
    (request,) = (it for it in trace if not it.parent_span_id)

    assert request.name == "POST /v1/images"
    assert {"append", "lab inspect", "project gallery", "project search"} <= set(spans)
    assert {it.parent_span_id for it in trace if it is not request} == {request.span_id}
    told = {it.key: it.value for it in request.attributes}
    assert told["http.response.status_code"].int_value == 201
    assert told["http.route"].string_value == "/v1/images"


def test_every_part_is_measured(watched, trace):
    eventually(lambda: _stored(watched) == 1)
    page = httpx.get(f"{watched.url}/metrics").text

    for line in (
        r"darkroom_events_committed_total [1-9]",
        r"darkroom_commit_seconds_count [1-9]",
        r"darkroom_events_published_total [1-9]",
        r'darkroom_events_projected_total\{model="gallery"\} [1-9]',
        r"darkroom_database_wait_seconds_count [1-9]",
        r'darkroom_lab_seconds_count\{work="inspect"\} [1-9]',
        r"darkroom_lab_queued \d",
        r'darkroom_objects_seconds_count\{operation="CopyObject"\} [1-9]',
        r'darkroom_cache_lookups_total\{cache="images",found="(true|false)"\} [1-9]',
        r'darkroom_work_seconds_count\{work="development"\} [1-9]',
        r'darkroom_work_interrupted_total\{work="meter"\} \d',
        r'darkroom_waiting\{queue="development"\} \d',
        r'darkroom_waiting\{queue="erasure"\} 0',
        r'darkroom_waiting\{queue="metering"\} 0',
        r'darkroom_stored\{what="images"\} 1',
        r"darkroom_archives 0",
        r"darkroom_counts_waiting \d",
    ):
        assert re.search(f"^{line}", page, re.MULTILINE), line


def test_a_role_without_an_api_serves_its_own(watched):
    port = free_port()
    environment = DataFolder(watched.data).endpoints() | {"DARKROOM_METRICS_PORT": str(port)}
    del environment["PROMETHEUS_MULTIPROC_DIR"]
    with subprocess.Popen([DARKROOM, "relay"], env=dict(os.environ) | environment) as standby:
        try:
            page = _page(port)
        finally:
            standby.terminate()

    assert "darkroom_events_published_total" in page


def test_the_dashboard_shows_what_is_measured_and_nothing_else():
    dashboard = json.loads(DASHBOARD.read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    declared = set(re.findall(r'"(darkroom_\w+)"', Path(metrics.__file__).read_text()))

    wanted = set(re.findall(r"darkroom_\w+", asked))
    assert {re.sub("_(bucket|total)$", "", it) for it in wanted} == declared


def _stored(service: Service) -> float:
    page = httpx.get(f"{service.url}/metrics").text
    found = re.search(r'^darkroom_stored\{what="images"\} (\S+)', page, re.MULTILINE)
    return float(found[1]) if found else 0


def _page(port: int) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/metrics").text
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
