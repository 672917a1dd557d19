"""What only the person behind an account may do with it: password, second factor, address."""

from typing import Any

from litestar import Controller, Response, delete, post, put
from litestar.params import JSONBody

from api.bodies import (
    EmailOnly,
    FactorCode,
    FactorDropped,
    MailedToken,
    NewPassword,
    PasswordOnly,
    PasswordReset,
)
from api.clients import client
from api.entrance import PERSONAL
from api.identity import AnyRequest, Bearing, Caller
from api.parts import Given
from api.waiting import written
from commands.factors import ConfirmFactor, DropFactor, ProposeFactor
from commands.mail import Occasion
from commands.passwords import AskForMail, ChangePassword, ResetPassword, VerifyEmail
from domain import totp
from domain.refusals import Unauthenticated


class PersonController(Controller):
    path = "/v1/me"
    tags = ("accounts",)
    opt = PERSONAL

    @put("/password", status_code=204, summary="Change your password; other sessions end")
    async def change_password(
        self, data: JSONBody[NewPassword], request: AnyRequest, bearer: Bearing, parts: Given
    ) -> Response[None]:
        command = ChangePassword(
            by=bearer.account_id,
            session_id=bearer.session_id,
            old=data.password,
            new=data.new_password,
            client=client(request.scope, parts.proxies),
        )
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)

    @post("/verification", status_code=202, summary="Send the mail that confirms your address")
    async def ask_for_verification(self, caller: Caller, parts: Given) -> dict[str, Any]:
        profile = await parts.accounts.find(caller)
        if profile is None:
            raise Unauthenticated
        await parts.dispatch(AskForMail(address=profile.email, occasion=Occasion.VERIFY))
        return {"email": profile.email}

    @post("/second-factor", summary="Propose a second factor: a secret for an app (TOTP)")
    async def propose_factor(
        self, data: JSONBody[PasswordOnly], request: AnyRequest, caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        here = client(request.scope, parts.proxies)
        command = ProposeFactor(by=caller, password=data.password, client=here)
        secret = await parts.dispatch(command)
        profile = await parts.accounts.find(caller)
        name = profile.email if profile else "account"
        body = {
            "secret": totp.text(secret),
            "uri": totp.uri(secret, issuer="Darkroom", name=name),
        }
        return Response(body, status_code=201, headers={"Cache-Control": "no-store"})

    @post("/second-factor/confirm", status_code=200, summary="Turn it on, by a code of the app")
    async def confirm_factor(
        self, data: JSONBody[FactorCode], request: AnyRequest, caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        here = client(request.scope, parts.proxies)
        confirmed = await parts.dispatch(ConfirmFactor(by=caller, code=data.code, client=here))
        headers = await written(parts, confirmed.receipt) | {"Cache-Control": "no-store"}
        return Response({"recoveryCodes": confirmed.recovery_codes}, headers=headers)

    @delete("/second-factor", status_code=204, summary="Turn it off")
    async def drop_factor(
        self, data: JSONBody[FactorDropped], request: AnyRequest, caller: Caller, parts: Given
    ) -> Response[None]:
        command = DropFactor(
            by=caller,
            password=data.password,
            code=data.code,
            client=client(request.scope, parts.proxies),
        )
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)


class MailedController(Controller):
    """For whoever reads what was sent to an address."""

    path = "/v1/auth"
    tags = ("accounts",)

    @post("/password-reset", status_code=202, summary="Send a mail to choose a new password by")
    async def ask_for_reset(self, data: JSONBody[EmailOnly], parts: Given) -> dict[str, Any]:
        """The same answer whether there is such an account or not."""
        await parts.dispatch(AskForMail(address=data.email, occasion=Occasion.RESET))
        return {"email": data.email}

    @post("/password-reset/confirm", status_code=204, summary="Choose it; all sessions end")
    async def reset(self, data: JSONBody[PasswordReset], parts: Given) -> Response[None]:
        command = ResetPassword(token=data.token, new=data.new_password)
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)

    @post("/verify-email", status_code=204, summary="Confirm an address by the mailed token")
    async def verify(self, data: JSONBody[MailedToken], parts: Given) -> Response[None]:
        headers = await written(parts, await parts.dispatch(VerifyEmail(token=data.token)))
        return Response(None, status_code=204, headers=headers)
