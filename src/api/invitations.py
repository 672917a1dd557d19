"""Invitations: made by who governs an organization, answered by who is invited."""

import hmac
from operator import itemgetter
from typing import Any
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api.idempotency import Ids
from api.identifiers import invitation_id, organization_id
from api.identity import AnyRequest, Caller
from api.org_bodies import Accepting, NewInvitation
from api.org_views import governed, invitation, joined, organization
from api.parts import Given, Parts
from api.short_lists import short_list
from api.waiting import ORGANIZATIONS, written
from commands.organizations import Govern, Invite, Join, ending, invitation_token
from domain.ids import AccountId, OrganizationId, from_text, to_text
from domain.organization import MemberJoined
from domain.refusals import InvitationOver, NotFound


class InvitingController(Controller):
    path = "/v1/orgs/{id:str}/invitations"
    tags = ("organizations",)

    @post(status_code=201, summary="Invite somebody by e-mail address")
    async def invite(
        self,
        id: FromPath[str],
        data: JSONBody[NewInvitation],
        caller: Caller,
        parts: Given,
        new_id: Ids,
    ) -> Response[dict[str, Any]]:
        """Whoever holds the token may join; the account with the address finds it in the app."""
        asked, made = organization_id(id), new_id()
        command = Invite(
            by=caller, organization_id=asked, invitation_id=made, email=data.email, role=data.role
        )
        invited = await parts.dispatch(command)
        headers = await written(parts, invited.receipt, ORGANIZATIONS)
        card = await governed(parts, caller, asked)
        if made not in card.invitations:
            raise InvitationOver  # asked again, after it was answered
        body = invitation(made, card.invitations[made]) | {"token": _token(parts, asked, made)}
        location = {"Location": f"/v1/orgs/{id}/invitations/{body['invitationId']}"}
        return Response(body, status_code=201, headers=headers | location)

    @get(summary="Who was invited and has not answered")
    async def listed(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        card = await governed(parts, caller, organization_id(id))
        rows = [
            invitation(made, it) | {"token": _token(parts, card.id, made)}
            for made, it in card.invitations.items()
        ]
        return short_list(request, "invitations", rows, by=itemgetter("invitationId"))

    @delete("/{invitation:str}", status_code=204, summary="Withdraw an invitation")
    async def withdraw(
        self, id: FromPath[str], invitation: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        decide = ending(invitation_id(invitation))
        command = Govern(by=caller, organization_id=organization_id(id), decide=decide)
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        return Response(None, status_code=204, headers=headers)


class InvitedController(Controller):
    path = "/v1/invitations"
    tags = ("organizations",)

    @get(summary="What one is invited to")
    async def listed(self, request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
        now = parts.clock()
        rows = [
            invitation(id, it) | {"orgId": to_text("org", card.id), "orgName": card.name}
            for card in await parts.organizations.inviting(caller)
            for id, it in card.invitations.items()
            if it.account_id == caller and it.expires_at > now
        ]
        return short_list(request, "invitations", rows, by=itemgetter("invitationId"))

    @post("/accept", status_code=200, summary="Join by a token")
    async def accept_by_token(
        self, data: JSONBody[Accepting], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        organization, made = _opened(parts, data.token)
        command = Join(by=caller, organization_id=organization, invitation_id=made, with_token=True)
        return await _joined(parts, command)

    @post("/{id:str}/accept", status_code=200, summary="Join as who was invited")
    async def accept(
        self, id: FromPath[str], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        made = invitation_id(id)
        card = await parts.organizations.of_invitation(made)
        found = card.id if card else await _joined_by(parts, caller, made)
        command = Join(by=caller, organization_id=found, invitation_id=made, with_token=False)
        return await _joined(parts, command)

    @delete("/{id:str}", status_code=204, summary="Decline")
    async def decline(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        made = invitation_id(id)
        card = await parts.organizations.of_invitation(made)
        if card is None:
            raise NotFound
        command = Govern(by=caller, organization_id=card.id, decide=ending(made))
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        return Response(None, status_code=204, headers=headers)


async def _joined_by(parts: Parts, caller: AccountId, id: UUID) -> OrganizationId:
    """Where the caller has used the invitation already. Raises NotFound."""
    for card in await parts.organizations.joined(caller):
        for recorded in await parts.store.load(card.id):
            event = recorded.event
            if isinstance(event, MemberJoined) and event.invitation_id == id:
                return card.id
    raise NotFound


async def _joined(parts: Parts, command: Join) -> Response[dict[str, Any]]:
    headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
    card = await joined(parts, command.by, command.organization_id)
    return Response(organization(card, command.by), headers=headers)


def _token(parts: Parts, organization_id: OrganizationId, id: UUID) -> str:
    return invitation_token(parts.hasher, organization_id, id)


def _opened(parts: Parts, token: str) -> tuple[OrganizationId, UUID]:
    """What a token stands for. Raises NotFound for what is none of ours."""
    organization, _, rest = token.partition(".")
    found, made = from_text("org", organization), from_text("inv", rest.partition(".")[0])
    if found is None or made is None:
        raise NotFound
    if not hmac.compare_digest(token.encode(), _token(parts, OrganizationId(found), made).encode()):
        raise NotFound
    return OrganizationId(found), made
