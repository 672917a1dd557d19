"""Reading one's own writes: positions in the log, in and out of headers."""

from api.identity import AnyRequest
from api.parts import Given, Parts
from commands.ports import Receipt
from domain.ids import ImageId
from domain.refusals import NotFound, ProjectionBehind, Validation
from projections.gallery import Exhibit
from projections.positions import CORE

HEADER = "Darkroom-Position"
WANTED = "Darkroom-Min-Position"
PATIENCE = 10.0
"""Seconds that what is done to very much waits for what was written before."""

ALBUMS = CORE | {"albums"}
"""What who writes to an album waits for."""
ORGANIZATIONS = ALBUMS | {"organizations"}
REVIEW = CORE | {"scanning"}
REPORTS = frozenset({"reports"})
BLOCKLIST = frozenset({"blocklist"})
READ = {
    **dict.fromkeys(("album", "/orgs", "/teams", "/invitations"), ORGANIZATIONS),
    "/admin/quarantine": REVIEW,
    "/admin/legal-holds": REVIEW,
    "/admin/reports": REPORTS,
    "/admin/blocklist": BLOCKLIST,
    "/search": frozenset({"search"}),
}
"""What a read waits for beside the core, by what is in its URL."""


async def written(
    parts: Parts, receipt: Receipt | None, projections: frozenset[str] = CORE
) -> dict[str, str]:
    """Wait until the write can be read, at most 2 s. Returns the header that names its position."""
    position = receipt.position if receipt else None
    if position is None:
        return {HEADER: str(parts.positions.current("gallery"))}
    await parts.positions.reached(position, projections)
    return {HEADER: str(position)}


async def all_read(parts: Parts) -> None:
    """Before something is done to all that belongs together: what was written is among it.

    Waits for 10 s at most, and raises ProjectionBehind then.
    """
    head = await parts.feed.head()
    if not await parts.positions.reached(head, ALBUMS, within=PATIENCE):
        raise _behind(parts, head, ALBUMS)


async def after_write(parts: Parts, id: ImageId) -> Exhibit:
    """The image as its writer must see it. Raises NotFound if somebody purged it meanwhile."""
    exhibit = await parts.gallery.find(id)
    if exhibit is None:
        raise NotFound
    return exhibit


async def await_position(request: AnyRequest, parts: Given) -> None:
    """Before any read: wait for the position the caller asks for. Raises ProjectionBehind."""
    wanted = request.headers.get(WANTED)
    if wanted is None:
        return
    at, projections = position_in(WANTED, wanted), CORE
    for part, more in READ.items():
        if part in str(request.url):
            projections |= more
    if not await parts.positions.reached(at, projections):
        raise _behind(parts, at, projections)


def _behind(parts: Parts, wanted: int, projections: frozenset[str]) -> ProjectionBehind:
    current = min(parts.positions.current(name) for name in projections)
    return ProjectionBehind(wanted=wanted, position=current)


def position(text: str) -> int:
    """One of the log. Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise ValueError
    return int(text)


def position_in(header: str, text: str) -> int:
    """Raises Validation."""
    try:
        return position(text)
    except ValueError as error:
        raise Validation.of(header, "must be a position") from error
