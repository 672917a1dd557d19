"""Who gets what: every cell of delivery_table.txt, asked over HTTP."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.api.test_revoked_at_once import standing_still
from tests.exhibition import SIGNED, People, Piece, gather, hang, quarantine
from tests.people import expect

TABLE = Path(__file__).with_name("delivery_table.txt")
ROUTES = {
    "bytes": [*("/images/{id}" + end for end in SIGNED)],
    "take": ["/images/{id}", "/images/{id}/thumb.webp"],
    "tell": [
        *("/v1/images/{id}", "/v1/images/{id}/metadata", "/images/{id}/metadata"),
        *("/v1/images/{id}/versions", "/v1/images/{id}/similar"),
    ],
    "file": ["/v1/images/{id}/file"],
    "share": ["/s/{share}"],
    "embed": ["/v1/images/{id}/embed"],
    "page": ["/p/{id}"],
    "oembed": ["/oembed?url={public}/p/{id}"],
}
"""What stands behind each column."""
DESCRIBED = {
    "/images/{id}": "bytes",
    "/images/{id}/{variant}": "bytes",
    "/images/{id}/t/{ops}": "bytes",
    "/images/{id}/metadata": "tell",
    "/v1/images/{id}": "tell",
    "/v1/images/{id}/metadata": "tell",
    "/v1/images/{id}/versions": "tell",
    "/v1/images/{id}/similar": "tell",
    "/v1/images/{id}/file": "file",
    "/s/{share}": "share",
    "/v1/images/{id}/embed": "embed",
    "/p/{id}": "page",
    "/oembed": "oembed",
}
"""The same as the OpenAPI document has it."""
OWNERS = {
    f"/v1/images/{{id}}/{end}"
    for end in ("access", "collaborators", "history", "purge-receipt", "shares", "stats")
}
"""They show nothing of the picture, and have tests of their own."""
DELIVERING = ("/images/{", "/v1/images/{", "/p/", "/s/", "/oembed")
AT_ONCE = 4


class Cell(NamedTuple):
    state: str
    visibility: str
    viewer: str
    column: str
    status: int


def cells() -> Iterator[Cell]:
    state, visibilities, columns = "", [], []
    for line in TABLE.read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("["):
            state, visibilities, columns = line.strip("[]"), [], []
            continue
        name, *blocks = (part.strip() for part in line.split("|"))
        if not visibilities:
            visibilities = blocks
        elif not columns:
            columns = [block.split() for block in blocks]
        else:
            for visibility, names, statuses in zip(visibilities, columns, blocks, strict=True):
                for column, status in zip(names, statuses.split(), strict=True):
                    yield Cell(state, visibility, name, column, int(status.replace("-", "0")))


CELLS = list(cells())
STATES = list(dict.fromkeys(it.state for it in CELLS))


@pytest.fixture(scope="module")
def who(service, admin) -> People:
    return gather(service, admin)


@pytest.fixture(scope="module")
def pieces(who, dot) -> Iterator[Mapping[tuple[str, str], Piece]]:
    """One for each state and visibility, when all of them are what they are to be."""
    with standing_still(who.service, "scanning"):
        yield hung(who, dot)


def hung(who: People, dot: bytes) -> Mapping[tuple[str, str], Piece]:
    found = {}
    for state, visibility in dict.fromkeys((it.state, it.visibility) for it in CELLS):
        piece = hang(who, dot, visibility, scanned=state != "processing")
        found[state, visibility] = piece
    pieces = [(state, piece) for (state, _), piece in found.items()]
    quarantined = [piece for state, piece in pieces if state == "quarantined"]
    quarantine(who.service, *chain(*((it.own, it.entrusted) for it in quarantined)))
    for state, piece in pieces:
        for http, image in ((who.owner.http, piece.own), (who.founder.http, piece.entrusted)):
            if state == "deleted":
                expect(http.delete(f"/v1/images/{image}"), 200)
            if state == "taken down":
                path = f"/v1/admin/images/{image}/takedown"
                expect(who.client("admin").post(path, json={"reason": "a claim"}), 200)
            if state == "purged":
                expect(http.post(f"/v1/images/{image}/purge"), 202)
    time.sleep(2)  # what was to expire has expired
    return found


def paths(who: People, piece: Piece, viewer: str, column: str) -> Iterator[str]:
    """What the viewer asks for, with whatever they hold."""
    image = piece.entrusted if viewer in who.staff else piece.own
    if column == "share":
        yield from (f"/s/{it}" for it in [piece.shares.get(viewer)] if it)
        return
    for route in ROUTES[column]:
        path = route.format(id=image, public=who.service.url)
        held = _held(piece, viewer, route.removeprefix("/images/{id}"), taking=column == "take")
        more = "download=1" if column == "take" and "download=" not in held else ""
        asked = "&".join(it for it in (held, more) if it)
        yield f"{path}{'&' if '?' in path else '?'}{asked}" if asked else path


def _held(piece: Piece, viewer: str, end: str, *, taking: bool) -> str:
    if not viewer.startswith("signed"):
        return piece.links.get(viewer, "")
    urls = piece.expired if viewer == "signed expired" else piece.signed
    if viewer == "signed other variant":
        ends = list(SIGNED)
        end = ends[(ends.index(end) + 1) % len(ends)] if end in ends else end
    found = urls.get(end + ("?" if taking else ""), urls[""])
    return found[:-1] + ("0" if found[-1] != "0" else "1") if "tampered" in viewer else found


@pytest.mark.parametrize("state", STATES)
def test_every_cell_holds(who, pieces, state):
    wanted = [it for it in CELLS if it.state == state]
    clients = {it.viewer: who.client(it.viewer) for it in wanted}
    asked = [
        (cell, path)
        for cell in wanted
        for path in paths(who, pieces[state, cell.visibility], cell.viewer, cell.column)
    ]

    def status(it: tuple[Cell, str]) -> int:
        cell, path = it
        return clients[cell.viewer].get(path, follow_redirects=False).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(status, asked))

    wrong = [
        f"{cell.viewer}, {cell.visibility}: {path.split('?')[0]} was {answer}, not {cell.status}"
        for (cell, path), answer in zip(asked, answers, strict=True)
        if answer != cell.status
    ]
    assert not wrong, "\n".join(wrong)


def test_who_holds_a_link_is_asked_about_its_page(pieces):
    dashed = {it.viewer for it in CELLS if not it.status}

    assert {it.column for it in CELLS if not it.status} == {"share"}
    for piece in pieces.values():
        assert {it.viewer for it in CELLS} - dashed == set(piece.shares)


def test_the_table_is_whole():
    rows = {(it.state, it.visibility): set() for it in CELLS}
    for it in CELLS:
        rows[it.state, it.visibility].add((it.viewer, it.column))

    assert len({frozenset(row) for row in rows.values()}) == 1, "each state has the same rows"
    assert {it.column for it in CELLS} == set(ROUTES)
    assert len(CELLS) == len({it[:4] for it in CELLS})


def test_every_delivery_route_has_a_column(anyone):
    described = expect(anyone.get("/schema/openapi.json"), 200)["paths"]

    delivering = {
        path for path, item in described.items() if "get" in item and path.startswith(DELIVERING)
    }

    assert delivering == set(DESCRIBED) | OWNERS, (
        "a new route shows images: give it a column of delivery_table.txt, and its paths in ROUTES"
        " and DESCRIBED, or name it among OWNERS"
    )
    assert set(DESCRIBED.values()) <= set(ROUTES)
