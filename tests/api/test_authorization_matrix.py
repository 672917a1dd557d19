"""Who may do what: every cell of authorization.md over HTTP, and no route without its cells.

Writes are sent so that they find nothing to do, or are refused for their body, once they are
allowed; what can only be seen by destroying gets a thing of its own for each cell that may.
"""

from concurrent.futures import ThreadPoolExecutor
from string import Template
from typing import Any

import httpx
import msgspec
import pytest

from tests.api.matrix import BAD, TABLE, Probe, Section, sections
from tests.api.world import Thing, World
from tests.people import expect

DELIVERY = {
    *("/images/{id}", "/images/{id}/{variant}", "/images/{id}/t/{ops}"),
    *("/s/{share}", "/s/{share}/unlock", "/v1/images/{id}/embed", "/p/{id}", "/oembed"),
}
"""Routes that deliver have a table of their own."""
TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": "0",
    "Upload-Offset": "5",
    "Content-Type": "application/offset+octet-stream",
}
AT_ONCE = 4
CELLS = 2_000


class Cell(msgspec.Struct, frozen=True):
    section: Section
    probe: Probe
    caller: str
    state: str

    @property
    def expected(self) -> str:
        return self.section.expected[self.caller, self.state]

    @property
    def destroys(self) -> bool:
        return self.expected == "yes" and self.state in self.probe.fresh

    def __str__(self) -> str:
        asked = f"{self.probe.method} {self.probe.path} {self.probe.body or ''}"
        return f"{self.section.kind}: {asked} by {self.caller}, {self.state}: {self.expected}"


@pytest.fixture(scope="module")
def table() -> list[Section]:
    return sections(TABLE.read_text())


@pytest.fixture(scope="module")
def world(service, admin, dot) -> World:
    return World(service, admin, dot)


def test_every_route_has_its_cells(anyone, table):
    paths = expect(anyone.get("/schema/openapi.json"), 200)["paths"]
    routes = {(method.upper(), path) for path, item in paths.items() for method in item}
    asked = {(probe.method, probe.path) for section in table for probe in section.probes}
    delivered = {it for it in routes if it[1] in DELIVERY}
    assert routes - asked - delivered == set(), (
        f"add these to {TABLE.name}, to the section with the same rule or to one of its own; its "
        "things are made in world.py"
    )
    assert asked - routes == set(), f"these are no more: take them out of {TABLE.name}"


@pytest.mark.timeout(1_200)  # 24,000 requests and more
def test_every_cell_over_http(world, table):
    cells = [
        Cell(section, probe, caller, state)
        for section in table
        for probe in section.probes
        for caller, state in section.expected
    ]
    assert len(cells) >= CELLS
    with ThreadPoolExecutor(AT_ONCE) as pool:
        harmless = [it for it in cells if not it.destroys]
        found = list(pool.map(lambda cell: answered(world, cell), harmless))
        found += [answered(world, cell) for cell in cells if cell.destroys]
    wrong = [it for it in found if it]
    assert not wrong, f"{len(wrong)} of {len(cells)} cells:\n" + "\n".join(wrong[:200])


def answered(world: World, cell: Cell) -> str | None:
    """None where the answer is as expected."""
    probe, kind, caller, state = cell.probe, cell.section.kind, cell.caller, cell.state
    thing = (world.fresh if cell.destroys else world.thing)(kind, state, caller)
    link = {} if probe.shows else world.link(kind, state, caller)
    request = asked(world.clients[caller], probe, thing, link)
    answer = world.clients[caller].send(request, stream=True)
    try:
        if not endless(answer):
            answer.read()
        got = outcome(answer, probe, thing)
    finally:
        answer.close()
    shown = "yes" if probe.shows else None
    good = {"yes": (probe.statuses, shown), "no": (probe.statuses, "no")}
    statuses, code = (good | BAD)[cell.expected]
    right = got[0] in statuses and (code in (None, got[1]) or probe.method == "HEAD")
    return None if right else f"{cell}, got {got} {'' if endless(answer) else answer.text[:200]}"


def endless(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("text/event-stream")


def asked(http: httpx.Client, probe: Probe, thing: Thing, link: dict[str, str]) -> httpx.Request:
    def filled(text: str) -> str:
        return Template(text).substitute(thing)

    parts = {name: filled(value) for name, value in probe.named.items()}
    path = probe.path.format_map(thing | parts)
    query = httpx.QueryParams(filled(probe.query)).merge(link)
    headers = TUS if probe.path.startswith("/v1/tus") else {}
    content = None if probe.body is None else filled(probe.body)
    return http.build_request(probe.method, path, params=query, headers=headers, content=content)


def outcome(answer: httpx.Response, probe: Probe, thing: Thing) -> tuple[int, Any]:
    """Its status and, of a problem, its code; or whether a list shows the thing."""
    if answer.is_success and probe.shows:
        return answer.status_code, "yes" if thing["id"] in answer.text else "no"
    if answer.is_success and probe.each:
        (result,) = answer.json()["results"]
        return result["status"], result.get("error", {}).get("code")
    problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code, answer.json()["code"] if problem and answer.content else None
