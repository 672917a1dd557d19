"""What a client accepts (RFC 9110, 12.5.1)."""

from collections.abc import Sequence

from domain.media import Format


def chosen(header: str, formats: Sequence[Format]) -> Format:
    """The first that the client names and likes no less than those behind it; else the last.

    To be covered by a wildcard is not enough: old browsers send them, and read no WebP.
    """
    likes = accepted(header)
    for place, format in enumerate(formats[:-1], start=1):
        liked = likes.get(format.content_type, 0)
        others = (quality(likes, it.content_type) for it in formats[place:])
        if liked and liked >= max(others):
            return format
    return formats[-1]


def accepted(header: str) -> dict[str, float]:
    """Media ranges with their quality; what is malformed is not accepted."""
    found = {}
    for part in header.lower().split(","):
        kind, *parameters = (text.strip() for text in part.split(";"))
        weights = [text[2:] for text in parameters if text.startswith("q=")]
        found[kind] = _weight(weights[0]) if weights else 1.0
    return found


def quality(accepted: dict[str, float], kind: str) -> float:
    """How welcome a media type is, by the most exact range that covers it; 0 is not at all."""
    family = kind.partition("/")[0]
    return next((accepted[range] for range in (kind, f"{family}/*", "*/*") if range in accepted), 0)


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
