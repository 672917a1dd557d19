"""What may stand behind the question mark, as the OpenAPI document tells it.

Lists read it by `asking.Asked`, which names everything that is wrong at once.
"""

from collections.abc import Iterable
from typing import Any

from api import audit, embeds, feed, parked
from api.albums import SORTS
from api.asking import MAX_LIMIT, MAX_PAGE
from api.listing import WIDEST
from domain.access import Visibility
from domain.media import Format
from projections.gallery import Period, Sort
from projections.likeness import FAR, NEAR

Parameter = dict[str, Any]
Schema = dict[str, Any]


def _parameter(name: str, schema: Schema, description: str) -> Parameter:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _text(name: str, description: str, longest: int = 1_000) -> Parameter:
    return _parameter(name, {"type": "string", "maxLength": longest}, description)


def _one(name: str, options: Iterable[str], description: str) -> Parameter:
    return _parameter(name, {"type": "string", "enum": [*options]}, description)


def _number(
    name: str, most: int, description: str, default: int | None = None, *, least: int = 1
) -> Parameter:
    schema = {"type": "integer", "minimum": least, "maximum": most}
    told = {} if default is None else {"default": default}
    return _parameter(name, schema | told, description)


def _flag(name: str, description: str) -> Parameter:
    return _parameter(name, {"type": "boolean"}, description)


def _moment(name: str, description: str) -> Parameter:
    schema = {"type": "string", "examples": ["2026-01-31T12:00:00Z", "2026-01-31"]}
    return _parameter(name, schema, f"{description} RFC 3339; a bare date is its first moment.")


LIMIT = _number("limit", MAX_LIMIT, "How many there are on a page.", 20)
PAGES = (LIMIT, _number("page", MAX_PAGE, "Which page; `total` is exact.", 1))
CURSOR = _text("cursor", "`nextCursor` of the page before: as cheap at any depth.")
PAGED = (*PAGES, CURSOR)
OWNERS = (
    _text("user", "Whose: a user's id."),
    _text("org", "Whose: an organization's id."),
)
IMAGES = (
    *OWNERS,
    _parameter(
        "tag",
        {"type": "array", "items": {"type": "string"}},
        "Repeatable; an image must have all of them.",
    ),
    _text("q", "Full text over title, description, tags and file name.", 500),
    _moment("from", "Uploaded at that time, or later."),
    _moment("to", "Uploaded before that time."),
    _text("takenFrom", "Taken then or later, by the camera's clock: 2026-01-31T12:00:00."),
    _text("takenTo", "Taken before, by the camera's clock."),
    _one("format", (*Format, "jpg"), "Of the original."),
    _one("visibility", Visibility, "As it is set; others are shown what is public alone."),
    _flag("shared", "What others lent to the caller."),
    _one("status", ("ready", "processing", "deleted"), "`deleted`: the caller's own trash."),
    _number("minWidth", WIDEST, "Pixels.", least=0),
    _parameter(
        "custom",
        {"type": "object", "additionalProperties": {"type": "string"}},
        "Written `custom.<key>=<value>`: images whose custom field has this value.",
    ),
    _one("sort", Sort, "`arranged`: as an album has them, only in one."),
    _one("period", (*Period, "all"), "Of `most_viewed`: the views that count."),
    *PAGED,
)
HISTORY = (
    _text("at", "A position, or a time (RFC 3339): as it was then."),
    _number("limit", MAX_LIMIT, "How many there are on a page; without it, all."),
    *PAGED[1:],
)
SHORT = (
    *("/v1/api-keys", "/v1/upload-tokens", "/v1/webhooks", "/v1/me/presets", "/v1/me/sessions"),
    *("/v1/images/{id}/shares", "/v1/images/{id}/collaborators"),
    *("/v1/albums/{id}/shares", "/v1/albums/{id}/collaborators"),
    *("/v1/orgs", "/v1/orgs/{id}/members", "/v1/orgs/{id}/invitations", "/v1/orgs/{id}/teams"),
    *("/v1/teams/{id}/members", "/v1/invitations"),
)
HISTORIES = [f"/v1/{of}/history" for of in ("images/{id}", "albums/{id}", "orgs/{id}", "me")]
QUERIES: dict[str, tuple[Parameter, ...]] = {
    "/v1/images": (*IMAGES, _text("album", "In that album.")),
    "/images": (*IMAGES, _text("album", "In that album.")),
    "/v1/users/{id}/images": (*IMAGES, _text("album", "In that album.")),
    "/v1/albums/{id}/images": IMAGES,
    "/v1/search": (
        _text("q", "What is looked for.", 500),
        LIMIT,
        _number("page", MAX_PAGE, "Which page.", 1),
        CURSOR,
    ),
    "/v1/images/{id}/similar": (
        _number("maxDistance", FAR, "Bits in which fingerprints may differ.", NEAR, least=0),
        *PAGED,
    ),
    "/v1/albums": (
        *OWNERS,
        _text("parent", "The album that they stand in."),
        _flag("shared", "What others lent to the caller."),
        _one("sort", SORTS, "In which order."),
        *PAGED,
    ),
    **dict.fromkeys(HISTORIES, HISTORY),
    **dict.fromkeys(SHORT, PAGED),
    "/v1/events": (
        _text("type", "Like `image.finalized`, or `image` for all of an image's."),
        _text("album", "Of what is in that album."),
        _text("from", "Behind that position, as `Last-Event-ID` has it; without either: from now."),
        _number("wait", feed.LIFETIME, "Seconds after which it ends, at most.", feed.LIFETIME),
    ),
    "/v1/notifications": (_flag("unread", "Those alone."), *PAGED),
    "/v1/webhooks/{id}/deliveries": PAGED,
    "/v1/reports/usage": (
        _moment("from", "The first hour; by default of this month."),
        _moment("to", "The hour that counts no more."),
        _one("groupBy", ("day", "month"), "How long a line is."),
        _one("format", ("json", "csv"), "Or by `Accept`."),
        *OWNERS,
    ),
    "/v1/admin/users": (
        _text("q", "Somewhere in a name or an address.", 320),
        _text("plan", "On that plan.", 100),
        _flag("suspended", "Whether they are."),
        *PAGED,
    ),
    "/v1/admin/reports": (
        _one("status", ("open", "resolved"), "Those alone."),
        _text("imageId", "Of that image."),
        *PAGED,
    ),
    "/v1/admin/quarantine": (_flag("confirmed", "Those that were looked at."), *PAGED),
    "/v1/admin/blocklist": PAGED,
    "/v1/admin/legal-holds": PAGED,
    "/v1/admin/quotas": (LIMIT,),
    "/v1/admin/parked-events": (_number("limit", parked.MOST, "How many.", 100), *PAGED[1:]),
    "/v1/admin/audit": (
        _text("actor", "An account's id, or `darkroom`."),
        _text("type", "Like `image.purged`, or `image` for all of an image's."),
        _text("stream", "The id of what it happened to."),
        _moment("since", "Then, or later."),
        _number("limit", audit.MOST, "How many.", 100),
        _text("cursor", "`nextCursor` of the page before."),
        _one("format", ("json", "csv"), "How it is written."),
    ),
    "/oembed": (
        _text("url", "Of a public image, or of its page. Only `format=json` is there.", 2_000),
        _number("maxwidth", embeds.MOST, "Pixels."),
        _number("maxheight", embeds.MOST, "Pixels."),
    ),
}
"""By the path of the document, for GET."""
