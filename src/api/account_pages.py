"""Two small pages, for people who follow the links in our mail.

A link alone changes nothing: programs that look into mail follow links, too.
"""

from html import escape
from string import Template

from litestar import Controller, Response, get, post

from api import pages
from api.bodies import MailedToken, PasswordReset
from api.identity import AnyRequest
from api.parts import Given
from api.reading import converted
from commands.passwords import ResetPassword, VerifyEmail
from domain.refusals import Refusal

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
        return pages.page("Is this your address?", _form(request, "", "Confirm the address"))

    @post("/verify", status_code=200)
    async def verify(self, request: AnyRequest, parts: Given) -> Response[str]:
        try:
            data = converted(await pages.fields(request), MailedToken)
            await parts.dispatch(VerifyEmail(token=data.token))
        except Refusal as no:
            return pages.refused(no)
        return pages.page("Thank you", "<p>Your address is confirmed.</p>")

    @get("/reset")
    async def ask_to_reset(self, request: AnyRequest) -> Response[str]:
        return pages.page("Choose a new password", _form(request, _NEW_WORD, "Set the password"))

    @post("/reset", status_code=200)
    async def reset(self, request: AnyRequest, parts: Given) -> Response[str]:
        try:
            data = converted(await pages.fields(request), PasswordReset)
            await parts.dispatch(ResetPassword(token=data.token, new=data.new_password))
        except Refusal as no:
            return pages.refused(no)
        return pages.page("Your password is changed", "<p>You are signed out everywhere.</p>")


def _form(request: AnyRequest, fields: str, button: str) -> str:
    token = str(request.query_params.get("token", ""))
    return _FORM.substitute(token=escape(token), fields=fields, button=button)
