"""Accounts, as administrators see them and act on them."""

from typing import Any

from litestar import Controller, Response, get, patch, post
from litestar.params import FromPath, JSONBody

from api.asking import Asked, page_of, paging
from api.bodies import Because, UserChanges
from api.idempotency import Ids
from api.identifiers import account_id
from api.identity import Administrator, AnyRequest, first_administrator
from api.parts import Given, Parts
from api.waiting import written
from commands.administration import ChangePlan, ChangeQuota, Reinstate, SignOut, Suspend
from commands.ports import Receipt
from domain.ids import AccountId, to_text
from domain.refusals import NotFound
from projections.accounts import Profile, Sought


class UserController(Controller):
    path = "/v1/admin/users"
    tags = ("administration",)

    @get(summary="Accounts, the newest first")
    async def search(
        self, request: AnyRequest, administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        """With `q`: whose name or address holds it."""
        asked = Asked(request)
        sought = Sought(
            text=asked.text("q", 320),
            plan=asked.text("plan", 100),
            suspended=asked.one("suspended", {"true": True, "false": False}),
            **paging(asked),
        )
        asked.check()
        found = await parts.accounts.search(sought)
        first = await first_administrator(parts)
        return page_of(
            "users",
            [await _shown(parts, it, first) for it in found.profiles],
            limit=sought.limit,
            page=sought.page,
            total=found.total,
            following=found.next_cursor,
        )

    @get("/{id:str}", summary="One account")
    async def show(
        self, id: FromPath[str], administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        return await _found(parts, account_id(id))

    @patch("/{id:str}", summary="Change plan or quota")
    async def change(
        self,
        id: FromPath[str],
        data: JSONBody[UserChanges],
        administrator: Administrator,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        """A plan brings its quota; a quota given with it counts."""
        who, receipt = account_id(id), None
        act: dict[str, Any] = {"by": administrator, "account_id": who, "reason": data.reason}
        if data.plan is not None:
            receipt = await parts.dispatch(ChangePlan(plan=data.plan, **act))
        if data.quota_bytes is not None:
            receipt = await parts.dispatch(ChangeQuota(quota_bytes=data.quota_bytes, **act))
        return await _done(parts, who, receipt)

    @post("/{id:str}/suspend", status_code=200, summary="Let nobody in by this account")
    async def suspend(
        self,
        id: FromPath[str],
        data: JSONBody[Because],
        administrator: Administrator,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        who = account_id(id)
        command = Suspend(by=administrator, account_id=who, reason=data.reason)
        return await _done(parts, who, await parts.dispatch(command))

    @post("/{id:str}/reinstate", status_code=200, summary="Let them in again")
    async def reinstate(
        self,
        id: FromPath[str],
        data: JSONBody[Because],
        administrator: Administrator,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        who = account_id(id)
        command = Reinstate(by=administrator, account_id=who, reason=data.reason)
        return await _done(parts, who, await parts.dispatch(command))

    @post("/{id:str}/sign-out", status_code=200, summary="End all of their sessions")
    async def sign_out(
        self,
        id: FromPath[str],
        data: JSONBody[Because],
        administrator: Administrator,
        parts: Given,
        new_id: Ids,
    ) -> Response[dict[str, Any]]:
        who = account_id(id)
        command = SignOut(by=administrator, account_id=who, request=new_id(), reason=data.reason)
        return await _done(parts, who, await parts.dispatch(command))


async def _done(parts: Parts, who: AccountId, receipt: Receipt | None) -> Response[dict[str, Any]]:
    headers = await written(parts, receipt)
    return Response(await _found(parts, who), headers=headers)


async def _found(parts: Parts, who: AccountId) -> dict[str, Any]:
    profile = await parts.accounts.find(who)
    if profile is None:
        raise NotFound
    return await _shown(parts, profile, await first_administrator(parts))


async def _shown(parts: Parts, profile: Profile, first: AccountId | None) -> dict[str, Any]:
    tally = await parts.gallery.usage(profile.id)
    return {
        "userId": to_text("u", profile.id),
        "username": profile.username,
        "email": profile.email,
        "emailVerified": profile.verified,
        "secondFactor": profile.second_factor,
        "plan": profile.plan,
        "quotaBytes": profile.quota_bytes,
        "storageBytes": tally.storage_bytes,
        "reservedBytes": tally.reserved_bytes,
        "images": tally.images,
        "suspended": profile.suspended,
        "takedowns": len(profile.strikes),
        "administrator": profile.administrator or profile.id == first,
        "createdAt": profile.created_at,
    }
