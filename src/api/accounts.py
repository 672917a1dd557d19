"""Signing up, signing in, one's own profile."""

from typing import Any

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from api.bodies import AccountChanges, Credentials, NewAccount, PasswordOnly, RefreshToken
from api.clients import client, device
from api.entrance import PERSONAL
from api.erasure import accepted
from api.idempotency import Ids
from api.identifiers import id_of
from api.identity import AnyRequest, Bearing, Caller
from api.parts import Given, Parts
from api.short_lists import short_list
from api.stored import stored, transferred
from api.waiting import written
from commands.accounts import ChangeAccount, LogIn, Refresh, SignUp
from commands.credentials import Bearer
from commands.erasure import EraseAccount
from commands.sessions import OpenSession, Session
from domain import transfer
from domain.account import Identity, SettingsChanged
from domain.ids import AccountId, SessionId, to_text
from domain.refusals import NotFound, Unauthenticated
from projections.accounts import Profile


class AuthController(Controller):
    path = "/v1/auth"
    tags = ("accounts",)

    @post("/signup", summary="Open an account")
    async def sign_up(
        self, data: JSONBody[NewAccount], parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        command = SignUp(
            identity=Identity(username=data.username, email=data.email),
            password=data.password,
            account_id=AccountId(new_id()),
        )
        signed_up = await parts.dispatch(command)
        headers = await written(parts, signed_up.receipt)
        profile = await parts.accounts.find(signed_up.account_id)
        id = to_text("u", signed_up.account_id)
        return Response(
            {
                "userId": id,
                "username": data.username,
                "email": data.email,
                "createdAt": profile.created_at if profile else parts.clock(),
            },
            status_code=201,
            headers=headers | {"Location": "/v1/me"},
        )

    @post("/login", status_code=200, summary="Trade credentials for tokens")
    async def log_in(
        self, data: JSONBody[Credentials], request: AnyRequest, parts: Given
    ) -> Response[dict[str, Any]]:
        origin = device(request, parts.proxies)
        command = LogIn(email=data.email, password=data.password, code=data.code, device=origin)
        return tokens(parts, await parts.dispatch(command))

    @post("/refresh", status_code=200, summary="Trade a refresh token for new tokens")
    async def refresh(
        self, data: JSONBody[RefreshToken], request: AnyRequest, parts: Given
    ) -> Response[dict[str, Any]]:
        origin = device(request, parts.proxies)
        command = Refresh(refresh_token=data.refresh_token, device=origin)
        return tokens(parts, await parts.dispatch(command))

    @post("/logout", status_code=204, summary="End a session")
    async def log_out(self, data: JSONBody[RefreshToken], parts: Given) -> None:
        await parts.sessions.close(data.refresh_token)


class MeController(Controller):
    path = "/v1/me"
    tags = ("accounts",)

    @get(summary="Your profile and settings")
    async def show(self, caller: Caller, parts: Given) -> dict[str, Any]:
        return await profile(parts, caller)

    @patch(summary="Change your name or settings")
    async def change(
        self, data: JSONBody[AccountChanges], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        settings = SettingsChanged(
            default_visibility=data.default_visibility,
            keep_gps=data.keep_gps,
            notify=data.notify,
            duplicates=data.duplicates,
        )
        command = ChangeAccount(by=caller, username=data.username, settings=settings)
        headers = await written(parts, await parts.dispatch(command))
        return Response(await profile(parts, caller), headers=headers)

    @delete(
        status_code=202,
        opt=PERSONAL,
        summary="Erase your account and everything in it, for good",
    )
    async def erase(
        self, data: JSONBody[PasswordOnly], request: AnyRequest, caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        origin = client(request.scope, parts.proxies)
        command = EraseAccount(by=caller, password=data.password, client=origin)
        return await accepted(parts, await parts.dispatch(command))

    @get("/sessions", opt=PERSONAL, summary="Where you are signed in")
    async def sessions(self, request: AnyRequest, bearer: Bearing, parts: Given) -> dict[str, Any]:
        """Where you signed in last comes first."""
        rows = [_session(it, bearer) for it in await parts.sessions.of(bearer.account_id)]
        return short_list(request, "sessions", rows, by=_opened, newest=True)

    @delete("/sessions/{id:str}", status_code=204, opt=PERSONAL, summary="Sign out there")
    async def end_session(self, id: FromPath[str], bearer: Bearing, parts: Given) -> None:
        if not await parts.sessions.end(bearer.account_id, SessionId(id_of("ses", id))):
            raise NotFound

    @get("/usage", summary="What your images take, and what they may")
    async def usage(self, caller: Caller, parts: Given) -> dict[str, Any]:
        """`usedBytes` is what counts against `quotaBytes`: originals, what was promised, and
        derivatives. What came in and what was fetched of it counts by month."""
        profile = await parts.accounts.find(caller)
        if profile is None:
            raise Unauthenticated
        tally, now = await parts.gallery.usage(caller), parts.clock()
        counts = await parts.tallies.of_owner(caller, transfer.begin_of(now))
        return {
            **await stored(parts, caller, tally),
            **await transferred(parts, caller),
            "quotaBytes": profile.quota_bytes,
            "images": tally.images,
            "uploads": tally.uploads,
            "views": counts.views,
            "downloads": counts.downloads,
            "egressBytes": counts.egress_bytes,
            "period": f"{now:%Y-%m}",
        }


@get("/.well-known/jwks.json", tags=["accounts"], summary="Keys that access tokens verify with")
async def jwks(parts: Given) -> Response[dict[str, Any]]:
    return Response(parts.tokens.jwks(), headers={"Cache-Control": "public, max-age=300"})


def tokens(parts: Parts, session: Session) -> Response[dict[str, Any]]:
    access_token, seconds = parts.tokens.issue(session.claims)
    return Response(
        {
            "accessToken": access_token,
            "refreshToken": session.refresh_token,
            "expiresIn": seconds,
            "tokenType": "Bearer",
        },
        headers={"Cache-Control": "no-store"},
    )


def _session(found: OpenSession, bearer: Bearer) -> dict[str, Any]:
    return {
        "sessionId": to_text("ses", found.id),
        "openedAt": found.opened_at,
        "lastUsedAt": found.last_used_at,
        "expiresAt": found.expires_at,
        "address": found.device.client,
        "userAgent": found.device.agent,
        "current": found.id == bearer.session_id,
    }


def _opened(session: dict[str, Any]) -> str:
    return f"{session['openedAt'].isoformat(timespec='microseconds')} {session['sessionId']}"


async def profile(parts: Parts, account_id: AccountId) -> dict[str, Any]:
    found = await parts.accounts.find(account_id)
    if found is None:
        raise Unauthenticated
    return shown(found)


def shown(found: Profile) -> dict[str, Any]:
    return {
        "userId": to_text("u", found.id),
        "username": found.username,
        "email": found.email,
        "plan": found.plan,
        "quotaBytes": found.quota_bytes,
        "defaultVisibility": found.default_visibility.value,
        "keepGps": found.keep_gps,
        "notify": found.notify,
        "duplicates": found.duplicates.value,
        "emailVerified": found.verified,
        "secondFactor": found.second_factor,
        "createdAt": found.created_at,
    }
