"""A rung in a format: which one it is to be, and what is known of it before it is there."""

from collections.abc import Sequence

from api import heads
from api.negotiation import chosen
from domain.media import Format, Rung
from projections.gallery import Card, Exhibit


def negotiated(accept: str, exhibit: Exhibit, *, late: bool = True) -> Format:
    """`late` is that AVIF may be there: it takes too long to be made for somebody who waits."""
    return chosen(accept, _formats(exhibit, late))


def sent(
    card: Card, recipe: str, rung: Rung, format: Format, *, asked: Format | None
) -> heads.Sent:
    """`asked` is None where the format was negotiated."""
    return heads.Sent(
        etag=f'"{card.checksum[:32]}-{recipe}-{rung}.{format}"',
        content_type=format.content_type,
        version=heads.version(card.checksum, recipe) if asked else "",
        vary="" if asked else "Accept",
    )


def _formats(exhibit: Exhibit, late: bool) -> Sequence[Format]:
    """The best first. Each shows all that the picture has: it moves, or is transparent."""
    if exhibit.card.frames > 1:
        return [Format.WEBP, Format.GIF]
    avif = [Format.AVIF] if late and exhibit.print and exhibit.print.refined else []
    return [*avif, Format.WEBP, Format.PNG if _transparent(exhibit) else Format.JPEG]


def _transparent(exhibit: Exhibit) -> bool:
    """As far as is known before it is developed."""
    if exhibit.print:
        return exhibit.print.alpha
    return exhibit.card.format not in (Format.JPEG, Format.HEIC)
