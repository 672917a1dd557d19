"""Organizations: made, governed, handed over, deleted; their members."""

from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from api.erasure import accepted
from api.idempotency import Ids
from api.identifiers import account_id, organization_id
from api.identity import AnyRequest, Caller
from api.org_bodies import NewOrganization, NewRole, Transfer
from api.org_views import governed, joined, organization
from api.parts import Given
from api.reading import clean
from api.short_lists import short_list
from api.stored import stored, transferred
from api.waiting import ORGANIZATIONS, written
from commands.organizations import (
    CreateOrganization,
    DeleteOrganization,
    Govern,
    TransferOwnership,
    changing_role,
    leaving,
    renaming,
)
from domain.ids import AccountId, OrganizationId, to_text


class OrganizationController(Controller):
    path = "/v1/orgs"
    tags = ("organizations",)

    @post(summary="Found an organization")
    async def create(
        self, data: JSONBody[NewOrganization], caller: Caller, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        id = OrganizationId(new_id())
        command = CreateOrganization(by=caller, organization_id=id, name=clean("name", data.name))
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        body = organization(await joined(parts, caller, id), caller)
        location = {"Location": f"/v1/orgs/{body['orgId']}"}
        return Response(body, status_code=201, headers=headers | location)

    @get(summary="The organizations that one is a member of")
    async def listed(self, request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
        rows = [organization(it, caller) for it in await parts.organizations.joined(caller)]
        return short_list(request, "orgs", rows, by=itemgetter("orgId"))

    @get("/{id:str}", summary="An organization")
    async def show(self, id: FromPath[str], caller: Caller, parts: Given) -> dict[str, Any]:
        return organization(await joined(parts, caller, organization_id(id)), caller)

    @patch("/{id:str}", summary="Give it another name")
    async def rename(
        self, id: FromPath[str], data: JSONBody[NewOrganization], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        asked = organization_id(id)
        decide = renaming(clean("name", data.name))
        command = Govern(by=caller, organization_id=asked, decide=decide)
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        return Response(organization(await joined(parts, caller, asked), caller), headers=headers)

    @delete("/{id:str}", status_code=202, summary="Destroy it, its albums and images, for good")
    async def remove(
        self, id: FromPath[str], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        command = DeleteOrganization(by=caller, organization_id=organization_id(id))
        return await accepted(parts, await parts.dispatch(command))

    @post("/{id:str}/transfer", status_code=200, summary="Make another member its owner")
    async def transfer(
        self, id: FromPath[str], data: JSONBody[Transfer], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        asked = organization_id(id)
        to = account_id(data.user_id)
        command = TransferOwnership(by=caller, organization_id=asked, to=to)
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        return Response(organization(await joined(parts, caller, asked), caller), headers=headers)

    @get("/{id:str}/usage", summary="What its images take, and what they may")
    async def usage(self, id: FromPath[str], caller: Caller, parts: Given) -> dict[str, Any]:
        card = await governed(parts, caller, organization_id(id))
        tally = await parts.gallery.usage(AccountId(card.id))
        return {
            **await stored(parts, AccountId(card.id), tally),
            **await transferred(parts, AccountId(card.id)),
            "quotaBytes": card.quota_bytes,
            "images": tally.images,
            "uploads": tally.uploads,
        }


class MemberController(Controller):
    path = "/v1/orgs/{id:str}/members"
    tags = ("organizations",)

    @get(summary="Who belongs to it")
    async def listed(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        card = await joined(parts, caller, organization_id(id))
        people = {it: await parts.accounts.find(it) for it in card.members}
        rows = [
            {
                "userId": to_text("u", it),
                "username": profile.username if profile else None,
                "role": card.members[it].value,
            }
            for it, profile in people.items()
        ]
        return short_list(request, "members", rows, by=itemgetter("userId"))

    @patch("/{user:str}", summary="Give a member another role")
    async def change(
        self,
        id: FromPath[str],
        user: FromPath[str],
        data: JSONBody[NewRole],
        caller: Caller,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        decide = changing_role(account_id(user), data.role)
        command = Govern(by=caller, organization_id=organization_id(id), decide=decide)
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        return Response({"userId": user, "role": data.role.value}, headers=headers)

    @delete("/{user:str}", status_code=204, summary="Remove a member, or leave")
    async def remove(
        self, id: FromPath[str], user: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        decide = leaving(account_id(user))
        command = Govern(by=caller, organization_id=organization_id(id), decide=decide)
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        return Response(None, status_code=204, headers=headers)
