"""How lists are asked, and answered: the query string read field by field, and pages."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import EnumType
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from api.identity import AnyRequest
from domain.ids import AccountId, from_text
from domain.refusals import Validation

T = TypeVar("T")
D = TypeVar("D", int, None)

MAX_LIMIT, MAX_PAGE = 100, 10_000


class Asked:
    """The query string, read field by field; `check` raises Validation with all that is wrong."""

    def __init__(self, request: AnyRequest) -> None:
        self._values = request.query_params
        self._errors: list[dict[str, str]] = []

    def all(self, name: str) -> list[str]:
        return [_clean(value) for value in self._values.getall(name, [])]

    def text(self, name: str, longest: int) -> str | None:
        value = self._values.get(name)
        if value and len(value) > longest:
            self._wrong(name, f"is longer than {longest} characters")
        return _clean(value) if value else None

    def one(self, name: str, parse: Callable[[str], T] | Mapping[str, T]) -> T | None:
        """By what it means, or by the words that it may be and what they mean."""
        value = self._values.get(name)
        if value in (None, ""):
            return None
        try:
            return parse[value] if isinstance(parse, Mapping) else parse(value)
        except (ValueError, KeyError, OverflowError):
            self._wrong(name, _expected(parse))
            return None

    def number(self, name: str, default: D, most: int, *, least: int = 1) -> int | D:
        value = self.one(name, _whole)
        if value is None:
            return default
        if not least <= value <= most:
            self._wrong(name, f"must be between {least} and {most}")
        return value

    def moment(self, name: str) -> datetime | None:
        """RFC 3339, in UTC where it names no zone; a bare date is its first moment."""
        return self.one(name, read_moment)

    def span(
        self, first: str, last: str, parse: Callable[[str], datetime]
    ) -> tuple[datetime | None, datetime | None]:
        """From the one to before the other: nothing, if they are the same."""
        since, until = self.one(first, parse), self.one(last, parse)
        if since and until and until < since:
            self._wrong(last, f"must not be before {first}")
        return since, until

    def flag(self, name: str) -> bool:
        return self.one(name, _yes) or False

    def owner(self) -> AccountId | None:
        """Of what is listed: a user, or an organization."""
        return self.id("user", "u", AccountId) or self.id("org", "org", AccountId)

    def id(self, name: str, prefix: str, kind: Callable[[UUID], T]) -> T | None:
        return self.one(name, lambda text: kind(_named(prefix, text)))

    def custom(self) -> dict[str, str]:
        return {
            _clean(name.removeprefix("custom.")): _clean(value)
            for name, value in self._values.multi_items()
            if name.startswith("custom.")
        }

    def check(self) -> None:
        if self._errors:
            raise Validation(errors=self._errors)

    def _wrong(self, field: str, message: str) -> None:
        self._errors.append({"field": field, "message": message})


def paging(asked: Asked) -> dict[str, Any]:
    return {
        "limit": asked.number("limit", 20, MAX_LIMIT),
        "page": asked.number("page", 1, MAX_PAGE),
        "cursor": asked.text("cursor", 1_000),
    }


def leaf(asked: Asked) -> tuple[int, int]:
    """Limit and page, where a cursor is nothing but the next page."""
    limit, page = asked.number("limit", 20, MAX_LIMIT), asked.number("page", 1, MAX_PAGE)
    return limit, asked.one("cursor", _leaf) or page


def next_leaf(limit: int, page: int, total: int) -> str | None:
    return str(page + 1) if page * limit < total and page < MAX_PAGE else None


def page_of(
    name: str, rows: Sequence[Any], *, limit: int, page: int, total: int, following: str | None
) -> dict[str, Any]:
    """One page, as all lists have it."""
    return {name: rows, "page": page, "limit": limit, "total": total, "nextCursor": following}


def _leaf(text: str) -> int:
    if not 1 <= (page := _whole(text)) <= MAX_PAGE:
        raise ValueError
    return page


def _yes(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _expected(parse: object) -> str:
    """What a value must be, in words that help."""
    if isinstance(parse, Mapping | EnumType):
        return f"must be one of {', '.join(parse)}"
    if parse is _whole:
        return "must be a whole number"
    if parse in (read_moment, read_second):
        return "must be a date, or a time like 2026-01-31T12:00:00Z"
    return "is not one of the possible values"


def _clean(text: str) -> str:
    """As it would have been stored; Postgres holds no NUL, so nothing that has one can be found."""
    return unicodedata.normalize("NFC", text).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _whole(text: str) -> int:
    if not re.fullmatch("-?[0-9]+", text):
        raise ValueError
    return int(text)


def read_moment(text: str) -> datetime:
    full = f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text.replace(" ", "+")
    moment = msgspec.convert(full, datetime)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_second(text: str) -> datetime:
    """The first that does not end before the moment: cameras know whole ones."""
    moment = read_moment(text).astimezone(UTC)
    return (moment + timedelta(microseconds=999_999)).replace(microsecond=0)


def _named(prefix: str, text: str) -> UUID:
    if (found := from_text(prefix, text)) is None:
        raise ValueError
    return found
