"""Small pages for people: no script, nothing from elsewhere, and every word of a user escaped."""

import base64
import hashlib
from html import escape
from string import Template
from typing import Any
from urllib.parse import parse_qs

from litestar import Response

from api import problems
from api.identity import AnyRequest
from api.negotiation import accepted, quality
from domain.refusals import Refusal, Validation

_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 3em auto; padding: 0 1em }
form, .words { max-width: 30em }
input, button { font: inherit; padding: .5em; margin: .5em 0; width: 100%; box-sizing: border-box }
img { max-width: 100%; height: auto }
.many { display: flex; flex-wrap: wrap; gap: .5em }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; img-src 'self'; style-src 'sha256-{_HASH}'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width">
$head<style>$style</style></head><body><h1>$title</h1>
$content</body></html>
""")


def page(
    title: str,
    content: str,
    *,
    status: int = 200,
    head: str = "",
    headers: dict[str, str] | None = None,
    public: bool = False,
) -> Response[Any]:
    """`title` is text; `content` and `head` are HTML."""
    common = HEADERS if public else HEADERS | _PRIVATE
    html = _PAGE.substitute(title=escape(title), style=_STYLE, head=head, content=content)
    return Response(
        html, status_code=status, media_type="text/html", headers=common | (headers or {})
    )


def refused(no: Refusal, content: str = "") -> Response[Any]:
    """The same status and moment to try again as a problem document has."""
    problem = problems.answer(no)
    again = problem.headers.get("Retry-After")
    said = f'<p class="words">{escape(str(no))}</p>{content}'
    headers = {"Retry-After": again} if again else {}
    return page("That did not work", said, status=problem.status_code or 500, headers=headers)


def wanted(request: AnyRequest) -> bool:
    """Whether a person's browser asks; programs are answered in JSON."""
    likes = accepted(request.headers.get("Accept", ""))
    return "text/html" in likes and likes["text/html"] >= quality(likes, "application/json")


async def fields(request: AnyRequest) -> dict[str, Any]:
    """Of a form. Raises Validation."""
    try:
        given = parse_qs((await request.body()).decode(), max_num_fields=10)
    except ValueError as error:
        raise Validation.of("", "must be a form") from error
    return {name: values[0] for name, values in given.items()}
