"""What is made of an original on demand, and by which name caches know it."""

import hashlib

from commands.transforming import Wanted
from domain import transform
from domain.media import Format
from domain.transform import Transform
from projections.gallery import Exhibit


def wanted_of(exhibit: Exhibit, asked: Transform, format: Format, *, charged: bool) -> Wanted:
    card = exhibit.card
    assert card.format is not None, "only finalized images are seen"
    asked = transform.for_size(transform.for_format(asked, format), card.width, card.height)
    return Wanted(
        image_id=card.id,
        original=card.original,
        source=card.format,
        width=card.width,
        height=card.height,
        frames=card.frames,
        transform=asked,
        format=format,
        faithful=_stood_in_for(exhibit),
        charged=charged,
    )


def etag_of(exhibit: Exhibit, recipe: str, wanted: Wanted) -> str:
    digest = hashlib.sha256(wanted.transform.text.encode()).hexdigest()[:16]
    return f'"{exhibit.card.checksum[:32]}-{recipe}-{digest}.{wanted.format}"'


def _stood_in_for(exhibit: Exhibit) -> bool:
    """By its renderings in JPEG, which know nothing transparent."""
    print = exhibit.print
    return print is not None and print.faithful and not print.alpha
