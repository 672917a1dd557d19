"""What Meilisearch is told of an image, how it is to search in it, and who may find it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.access import Permission, Visibility
from projections.gallery import Card

FIELDS = ("title", "tags", "description", "filename")
"""What is searched, the most telling first."""
FACETS = ("tags", "format", "year")
MOST = 10_000
"""Hits that pages can reach."""
PUBLIC = "public"


def settings(synonyms: Mapping[str, Sequence[str]], languages: Sequence[str]) -> dict[str, Any]:
    """The whole configuration of the index."""
    return {
        "searchableAttributes": list(FIELDS),
        "filterableAttributes": ["id", "audience", *FACETS],
        "sortableAttributes": ["created_at"],
        "displayedAttributes": ["id", *FIELDS],
        "rankingRules": [
            *("words", "typo", "proximity", "attribute", "sort", "exactness"),
            "created_at:desc",
        ],
        "typoTolerance": {"enabled": True},
        "synonyms": {word: list(others) for word, others in synonyms.items()},
        "faceting": {"maxValuesPerFacet": 50, "sortFacetValuesBy": {"*": "count"}},
        "pagination": {"maxTotalHits": MOST},
        "localizedAttributes": [{"attributePatterns": ["*"], "locales": list(languages)}]
        if languages
        else None,
    }


def document(card: Card) -> dict[str, Any] | None:
    """None for what nobody may find."""
    if not card.finalized or card.deleted_at:
        return None
    return {
        "id": card.id.hex,
        "title": card.title,
        "tags": card.tags,
        "description": card.description,
        "filename": card.filename,
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
