"""What a share link lends, in HTML."""

from html import escape

from api import surroundings
from api.parts import Parts
from api.pictures import sizes
from domain import access
from domain.access import Action, Share, Viewer
from domain.ids import to_text
from domain.media import Rung
from projections.albums import Binder
from projections.gallery import Card, Query, Sort

MOST = 100
"""Images of an album on its page."""


def image(card: Card, share: Share, query: str) -> str:
    path = f"/images/{to_text('img', card.id)}"
    width, height = sizes(card)[Rung.MEDIUM]
    figures = f"{card.width} x {card.height} pixels, {card.size:,} bytes"
    picture = (
        f'<p><img src="{escape(f"{path}/medium.auto?{query}")}" width="{width}" height="{height}"'
        f' alt="{escape(card.title or card.filename)}"></p>'
        f'<p class="words">{escape(card.description)}</p><p>{figures}</p>'
    )
    if not access.covers(share.permissions, Action.DOWNLOAD):
        return picture
    url = escape(f"{path}?{query}&download=1")
    return f'{picture}<p><a href="{url}">Download the original</a></p>'


async def album(parts: Parts, binder: Binder, viewer: Viewer, query: str) -> str:
    found = await parts.gallery.list(
        Query(
            viewer=viewer,
            album=binder.card.id,
            arranged=binder.card.arranged,
            lent=access.lends(binder.circle, viewer, Action.LIST, now=parts.clock()),
            sort=Sort.ARRANGED,
            limit=MOST,
        )
    )
    query = f"album={to_text('alb', binder.card.id)}&{query}"
    shown = await surroundings.listable(parts, viewer, found.exhibits)
    images = "\n".join(_thumb(it.card, query) for it in shown)
    more = f"<p>And {found.total - MOST} more.</p>" if found.total > MOST else ""
    said = f'<p class="words">{escape(binder.card.description)}</p>'
    return f'{said}<div class="many">{images}</div>{more}'


def _thumb(card: Card, query: str) -> str:
    path = f"/images/{to_text('img', card.id)}"
    width, height = sizes(card)[Rung.THUMB]
    return (
        f'<a href="{escape(f"{path}/large.auto?{query}")}">'
        f'<img src="{escape(f"{path}/thumb.auto?{query}")}" width="{width}" height="{height}"'
        f' alt="{escape(card.title or card.filename)}"></a>'
    )
