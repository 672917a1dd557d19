"""HTTP's conditions and ranges (RFC 9110, 13 and 14), apart from what they are applied to."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

Span = tuple[int, int]
"""First byte, and the one behind the last."""

MOST = 8
"""Ranges in one request; more, or more bytes than there are, are answered with the whole."""


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def unchanged(etag: str, modified: datetime, if_none_match: str | None, since: str | None) -> bool:
    """Whether 304 is the answer; If-None-Match wins over If-Modified-Since."""
    if if_none_match is not None:
        return matches(etag, if_none_match)
    return since is not None and not _modified_since(modified, since)


def fails(etag: str, modified: datetime, if_match: str | None, since: str | None) -> bool:
    """Whether 412 is the answer; If-Match wins over If-Unmodified-Since."""
    if if_match is not None:
        return not named(etag, if_match)
    return since is not None and _is_date(since) and _modified_since(modified, since)


def named(etag: str, if_match: str) -> bool:
    """Strong comparison with each of a list: a weak tag never matches."""
    given = tags(if_match)
    return etag in given or "*" in given


def matches(etag: str, if_none_match: str | None) -> bool:
    """Weak comparison with each of a list."""
    given = [tag.removeprefix("W/") for tag in tags(if_none_match or "")]
    return etag in given or "*" in given


def tags(header: str) -> list[str]:
    """Each of a list, in its quotes and with its `W/`; there may be commas between the quotes."""
    return re.findall(r'(?:W/)?"[^"]*"|[^\s,"]+', header)


def _modified_since(modified: datetime, text: str) -> bool:
    try:
        return modified.replace(microsecond=0) > parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return True


def _is_date(text: str) -> bool:
    try:
        return parsedate_to_datetime(text).tzinfo is not None
    except ValueError:
        return False


def applies(etag: str, modified: datetime, if_range: str | None) -> bool:
    """Whether a Range counts: it does not once what it speaks of has changed."""
    if if_range is None:
        return True
    if '"' in if_range:
        return if_range.strip() == etag
    return not _modified_since(modified, if_range)


def spans(header: str | None, size: int) -> Sequence[Span] | None:
    """What is asked for; None for the whole, an empty list if nothing of it exists (416)."""
    if header is None or not (match := re.fullmatch(r"\s*(?i:bytes)\s*=(.*)", header)):
        return None
    parts = [part.strip() for part in match[1].split(",") if part.strip()]
    found = [_span(part, size) for part in parts]
    if not found or any(span is None for span in found) or len(found) > MOST:
        return None
    spans = [span for span in found if span and span[0] < span[1]]
    repeated = sum(stop - first for first, stop in spans) > size
    return None if repeated and len(spans) > 1 else spans


def _span(part: str, size: int) -> Span | None:
    """One range, clipped to the size; None if it is malformed, which means: ignore the header."""
    match = re.fullmatch(r"(\d{0,18})-(\d{0,18})", part)
    if match is None or part == "-":
        return None
    first, last = match.groups()
    if not first:
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size
