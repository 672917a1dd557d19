"""What Meilisearch is told of an image, how it is to search in it, and who may find it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from adapters.meili_words import SEPARATORS, parted, signs
from domain.access import Permission, Visibility
from projections.gallery import Card

FIELDS = ("title", "tags", "description", "filename")
"""What is searched, the most telling first."""
FACETS = ("tags", "format", "year")
MOST = 10_000
"""Hits that pages can reach."""
PUBLIC = "public"
LOCALES = """
    afr aka amh ara aze bel ben bul cat ces cmn dan deu ell eng epo est fin fra guj heb hin hrv hun
    hye ind ita jav jpn kan kat khm kor lat lav lit mal mar mkd mya nep nld nob ori pan pes pol por
    ron rus sin slk slv sna spa srp swe tam tel tgl tha tuk tur ukr urd uzb vie yid zul"""
"""Languages it can be told of; any other would have the settings refused."""


def settings(synonyms: Mapping[str, Sequence[str]], languages: Sequence[str]) -> dict[str, Any]:
    """The whole configuration of the index, as it is told back: sorted where order says nothing."""
    locales = [it for it in languages if it in LOCALES.split()]
    return {
        "searchableAttributes": [*FIELDS, "signs"],
        "filterableAttributes": sorted(["id", "audience", *FACETS]),
        "sortableAttributes": ["created_at"],
        "displayedAttributes": ["id", *FIELDS],
        "rankingRules": [
            *("words", "typo", "proximity", "attribute", "sort", "exactness"),
            "created_at:desc",
        ],
        "typoTolerance": {"enabled": True},
        "separatorTokens": SEPARATORS,
        "synonyms": {word: list(others) for word, others in synonyms.items()},
        "faceting": {"maxValuesPerFacet": 50, "sortFacetValuesBy": {"*": "count"}},
        "pagination": {"maxTotalHits": MOST},
        "localizedAttributes": [{"attributePatterns": list(FIELDS), "locales": locales}]
        if locales
        else None,
    }


def document(card: Card) -> dict[str, Any] | None:
    """None for what nobody may find."""
    if not card.finalized or card.deleted_at:
        return None
    return {
        "id": card.id.hex,
        "title": parted(card.title),
        "tags": [parted(tag) for tag in card.tags],
        "description": parted(card.description),
        "filename": parted(card.filename),
        "signs": signs((card.title, *card.tags, card.description, card.filename)),
        "format": card.format,
        "year": f"{card.created_at:%Y}",
        "created_at": int(card.created_at.timestamp()),
        "audience": audience(card),
    }


def audience(card: Card) -> list[str]:
    """Who may find it at most, by what the image itself says; the policy is asked above."""
    people = [id for id, lent in card.collaborators.items() if Permission.VIEW in lent]
    people += [it.shared_with for it in card.shares.values() if it.shared_with and not it.revoked]
    public = [PUBLIC] if card.visibility is Visibility.PUBLIC and card.cleared else []
    found = [*public, person(card.owner_id), *map(person, people), *map(album, card.albums)]
    return sorted(set(found))


def person(id: UUID) -> str:
    """An account, or an organization to those who govern it."""
    return f"u{id.hex}"


def album(id: UUID) -> str:
    return f"a{id.hex}"
