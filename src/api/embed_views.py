"""A public image as others show it: HTML, Markdown, BBCode, and what describes it to machines."""

import re
from html import escape
from urllib.parse import quote

import msgspec

from api.pictures import picture, sizes
from domain.ids import to_text
from domain.media import Rung
from projections.gallery import Card, Exhibit

SITE = "Darkroom"
MAIN = Rung.MEDIUM
CARD = Rung.LARGE
"""What programs that make previews are pointed to; as JPEG, which all of them know."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+.!|~&:/-])")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An image with the absolute URLs that it is embedded by."""

    card: Card
    page: str
    oembed: str
    original: str
    variants: dict[str, str]
    sizes: dict[Rung, tuple[int, int]]

    @property
    def alt(self) -> str:
        """In one line."""
        return " ".join((self.card.title or self.card.filename).split()) or "image"

    @property
    def srcset(self) -> list[tuple[str, int]]:
        """URL and width of each rendering; where the original is small, several are the same."""
        widths: dict[int, str] = {}
        for rung in Rung:
            widths.setdefault(self.sizes[rung][0], self.variants[rung.value])
        return [(url, width) for width, url in widths.items()]

    def jpeg(self, rung: Rung) -> str:
        return f"{self.original}/{rung}.jpg"


def shown(exhibit: Exhibit, public_url: str) -> Shown:
    found = picture(exhibit, public_url)
    page = f"{public_url}/p/{to_text('img', exhibit.card.id)}"
    return Shown(
        card=exhibit.card,
        page=page,
        oembed=f"{public_url}/oembed?url={quote(page, safe='')}&format=json",
        original=found.url,
        variants=found.variants,
        sizes=sizes(exhibit.card),
    )


def img(it: Shown) -> str:
    width, height = it.sizes[MAIN]
    srcset = ", ".join(f"{url} {wide}w" for url, wide in it.srcset)
    return (
        f'<img src="{escape(it.variants[MAIN.value])}" srcset="{escape(srcset)}"'
        f' sizes="(max-width: {width}px) 100vw, {width}px" width="{width}" height="{height}"'
        f' alt="{escape(it.alt)}" loading="lazy">'
    )


def html(it: Shown) -> str:
    return f'<a href="{escape(it.page)}">{img(it)}</a>'


def markdown(it: Shown) -> str:
    alt = _MARKDOWN.sub(r"\\\1", it.alt)
    return f"[![{alt}]({it.variants[MAIN.value]})]({it.page})"


def bbcode(it: Shown) -> str:
    return f"[url={it.page}][img]{it.variants[MAIN.value]}[/img][/url]"


def head(it: Shown, *, listed: bool) -> str:
    """Open Graph, Twitter's card, and where oEmbed is found."""
    width, height = it.sizes[CARD]
    described = " ".join(it.card.description.split())[:300]
    graph = {
        "og:type": "website",
        "og:site_name": SITE,
        "og:url": it.page,
        "og:title": it.alt,
        "og:description": described,
        "og:image": it.jpeg(CARD),
        "og:image:type": "image/jpeg",
        "og:image:width": str(width),
        "og:image:height": str(height),
        "og:image:alt": it.alt,
    }
    card = {
        "twitter:card": "summary_large_image",
        "twitter:title": it.alt,
        "twitter:description": described,
        "twitter:image": it.jpeg(CARD),
        "twitter:image:alt": it.alt,
    }
    named = card if listed else {**card, "robots": "noindex"}
    lines = [
        *(f'<meta property="{name}" content="{escape(text)}">' for name, text in graph.items()),
        *(f'<meta name="{name}" content="{escape(text)}">' for name, text in named.items()),
        f'<link rel="canonical" href="{escape(it.page)}">',
        f'<link rel="alternate" type="application/json+oembed" href="{escape(it.oembed)}"'
        f' title="{escape(it.alt)}">',
    ]
    return "\n".join(lines) + "\n"


def body(it: Shown) -> str:
    card = it.card
    tags = " ".join(f"#{tag}" for tag in card.tags)
    return (
        f'<p><a href="{escape(it.original)}">{img(it)}</a></p>\n'
        f'<p class="words">{escape(card.description)}</p>\n'
        f"<p>{escape(tags)}</p>\n<p>{card.width} x {card.height} pixels</p>"
    )
