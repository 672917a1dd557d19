"""Reads authorization.md: its sections as probes to send, and what each caller is answered."""

import re
import shlex
from pathlib import Path

import msgspec

TABLE = Path(__file__).with_name("authorization.md")
BAD = {
    "401": ({401}, "unauthenticated"),
    "403": ({403}, "forbidden"),
    "404": ({404}, "not_found"),
    "409": ({409}, None),
    "expired": ({403}, "signature_expired"),
    "revoked": ({403}, "share_revoked"),
    "forged": ({403}, "signature_invalid"),
    "locked": ({403}, "password_required"),
    "suspended": ({403}, "account_suspended"),
    "down": ({403}, "image_taken_down"),
    "shut": ({403}, "image_quarantined"),
}
"""What a cell may say beside `yes` and `no`: the status, and the code if it matters."""
_PROBE = re.compile(
    r"    (?P<method>[A-Z]+) (?P<path>/[^?\s]*)(\?(?P<query>\S+))?(?P<named>( \w+=\S+)*)"
    r"( (?P<body>\{.*\}))? (?P<status>[\d|]+)(?P<marks>( [\w':]+)*)"
)


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a route, with what stands in it by `$name`."""

    method: str
    path: str
    """As the OpenAPI document has it."""
    query: str
    named: dict[str, str]
    """What stands for parts of the path."""
    body: str | None
    statuses: frozenset[int]
    """Any of them is answered to who may."""
    each: bool
    """It is a batch of one: the item's outcome counts."""
    shows: bool
    """It is a list: whether the thing is in it counts."""
    fresh: frozenset[str]
    """States of which who may gets a thing of their own."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    title: str
    probes: list[Probe]
    expected: dict[tuple[str, str], str]
    """By caller and state."""

    @property
    def states(self) -> list[str]:
        return list(dict.fromkeys(state for _, state in self.expected))


def sections(text: str) -> list[Section]:
    """Raises AssertionError for a table that leaves a cell open, or fills it twice."""
    preamble, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    groups = {name: members.split(", ") for name, members in _rows(preamble)[1:]}
    found = [_section(part, groups) for part in parts]
    callers = {caller for it in found for caller, _ in it.expected}
    for it in found:
        cells = {(caller, state) for caller in callers for state in it.states}
        assert it.expected.keys() == cells, (it.title, sorted(cells ^ it.expected.keys()))
    return found


def _section(part: str, groups: dict[str, list[str]]) -> Section:
    kind, _, title = part.partition("\n")[0].partition(": ")
    (_, *states), *rows = _rows(part)
    lines = [line for line in part.splitlines() if line.startswith("    ")]
    expected: dict[tuple[str, str], str] = {}
    for names, *cells in rows:
        for name in names.split(", "):
            for caller in groups.get(name, [name]):
                for state, cell in zip(states, cells, strict=True):
                    assert (caller, state) not in expected, (title, caller)
                    assert cell in {"yes", "no"} | BAD.keys(), (title, cell)
                    expected[caller, state] = cell
    return Section(
        kind=kind, title=title, probes=[_probe(it, states) for it in lines], expected=expected
    )


def _rows(text: str) -> list[list[str]]:
    lines = [it for it in text.splitlines() if it.startswith("|") and not it.startswith("|-")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _probe(line: str, states: list[str]) -> Probe:
    match = _PROBE.fullmatch(line)
    assert match, line
    marks = match["marks"].split()
    fresh = {it.partition(":")[2] for it in marks if it.startswith("fresh")}
    return Probe(
        method=match["method"],
        path=match["path"],
        query=match["query"] or "",
        named=dict(it.split("=", 1) for it in shlex.split(match["named"])),
        body=match["body"],
        statuses=frozenset(map(int, match["status"].split("|"))),
        each="each" in marks,
        shows="shows" in marks,
        fresh=frozenset(states if "" in fresh else fresh),
    )
