"""Two small pages, for people who follow the links in our mail. No script, nothing from elsewhere.

A link alone changes nothing: programs that look into mail follow links, too.
"""

from html import escape
from string import Template
from typing import Any
from urllib.parse import parse_qs

from litestar import Controller, Response, get, post

from api.bodies import MailedToken, PasswordReset, converted
from api.identity import AnyRequest
from api.parts import Given
from api.problems import STATUS
from commands.passwords import ResetPassword, VerifyEmail
from domain.refusals import Refusal, Validation

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width">
<style>body { font: 16px/1.5 sans-serif; max-width: 30em; margin: 3em auto; padding: 0 1em }
input, button { font: inherit; padding: .5em; margin: .5em 0; width: 100%; box-sizing: border-box }
</style></head><body><h1>$title</h1>$content</body></html>
""")
_FORM = Template("""<form method="post"><input type="hidden" name="token" value="$token">
$fields<button>$button</button></form>""")
_NEW_WORD = """<label>New password, 8 characters or more
<input type="password" name="newPassword" minlength="8" required autocomplete="new-password">
</label>"""


class AccountPages(Controller):
    path = "/account"
    include_in_schema = False

    @get("/verify")
    async def ask_to_verify(self, request: AnyRequest) -> Response[str]:
        return _page("Is this your address?", _form(request, "", "Confirm the address"))

    @post("/verify", status_code=200)
    async def verify(self, request: AnyRequest, parts: Given) -> Response[str]:
        try:
            data = converted(await _fields(request), MailedToken)
            await parts.dispatch(VerifyEmail(token=data.token))
        except Refusal as no:
            return _refused(no)
        return _page("Thank you", "<p>Your address is confirmed.</p>")

    @get("/reset")
    async def ask_to_reset(self, request: AnyRequest) -> Response[str]:
        return _page("Choose a new password", _form(request, _NEW_WORD, "Set the password"))

    @post("/reset", status_code=200)
    async def reset(self, request: AnyRequest, parts: Given) -> Response[str]:
        try:
            data = converted(await _fields(request), PasswordReset)
            await parts.dispatch(ResetPassword(token=data.token, new=data.new_password))
        except Refusal as no:
            return _refused(no)
        return _page("Your password is changed", "<p>You are signed out everywhere.</p>")


def _form(request: AnyRequest, fields: str, button: str) -> str:
    token = str(request.query_params.get("token", ""))
    return _FORM.substitute(token=escape(token), fields=fields, button=button)


async def _fields(request: AnyRequest) -> dict[str, Any]:
    """Raises Validation."""
    try:
        given = parse_qs((await request.body()).decode(), max_num_fields=10)
    except ValueError as error:
        raise Validation(errors=[{"field": "", "message": "must be a form"}]) from error
    return {name: values[0] for name, values in given.items()}


def _refused(no: Refusal) -> Response[str]:
    content = f"<p>{escape(str(no))}</p>"
    return _page("That did not work", content, status=STATUS[no.kind].value)


def _page(title: str, content: str, status: int = 200) -> Response[str]:
    html = _PAGE.substitute(title=title, content=content)
    return Response(html, status_code=status, media_type="text/html", headers=HEADERS)
