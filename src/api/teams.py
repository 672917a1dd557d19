"""Teams of an organization, and who is in them."""

from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from api.idempotency import Ids
from api.identifiers import account_id, organization_id, team_id
from api.identity import AnyRequest, Caller
from api.org_bodies import NewRole, NewTeam
from api.org_views import joined, organization_of, seen_team, team
from api.parts import Given, Parts
from api.reading import clean
from api.short_lists import short_list
from api.waiting import ORGANIZATIONS, written
from commands.organizations import (
    Decide,
    Govern,
    adding_to_team,
    creating_team,
    deleting_team,
    removing_from_team,
    renaming_team,
)
from domain.ids import AccountId, TeamId, to_text


class TeamsController(Controller):
    path = "/v1/orgs/{id:str}/teams"
    tags = ("organizations",)

    @post(summary="Make a team")
    async def create(
        self,
        id: FromPath[str],
        data: JSONBody[NewTeam],
        caller: Caller,
        parts: Given,
        new_id: Ids,
    ) -> Response[dict[str, Any]]:
        asked, made = organization_id(id), TeamId(new_id())
        decide = creating_team(made, clean("name", data.name))
        command = Govern(by=caller, organization_id=asked, decide=decide)
        headers = await written(parts, await parts.dispatch(command), ORGANIZATIONS)
        body = team(await joined(parts, caller, asked), made, caller)
        location = {"Location": f"/v1/teams/{body['teamId']}"}
        return Response(body, status_code=201, headers=headers | location)

    @get(summary="Its teams: all to who governs it, to others their own")
    async def listed(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        card = await joined(parts, caller, organization_id(id))
        rows = [team(card, it, caller) for it in card.teams if caller in card.state.roles(it)]
        return short_list(request, "teams", rows, by=itemgetter("teamId"))


class TeamController(Controller):
    path = "/v1/teams/{id:str}"
    tags = ("organizations",)

    @get(summary="A team")
    async def show(self, id: FromPath[str], caller: Caller, parts: Given) -> dict[str, Any]:
        asked = team_id(id)
        card, _ = await seen_team(parts, caller, asked)
        return team(card, asked, caller)

    @patch(summary="Give it another name")
    async def rename(
        self, id: FromPath[str], data: JSONBody[NewTeam], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        asked = team_id(id)
        headers = await _done(parts, caller, asked, renaming_team(asked, clean("name", data.name)))
        card, _ = await seen_team(parts, caller, asked)
        return Response(team(card, asked, caller), headers=headers)

    @delete(status_code=204, summary="Dissolve it; its albums stay with who governs")
    async def remove(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        asked = team_id(id)
        headers = await _done(parts, caller, asked, deleting_team(asked))
        return Response(None, status_code=204, headers=headers)

    @get("/members", summary="Who is in it")
    async def members(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        _, found = await seen_team(parts, caller, team_id(id))
        rows = [
            {"userId": to_text("u", it), "role": role.value} for it, role in found.members.items()
        ]
        return short_list(request, "members", rows, by=itemgetter("userId"))

    @put("/members/{user:str}", summary="Put a member of the organization into it")
    async def add(
        self,
        id: FromPath[str],
        user: FromPath[str],
        data: JSONBody[NewRole],
        caller: Caller,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        asked = team_id(id)
        decide = adding_to_team(asked, account_id(user), data.role)
        headers = await _done(parts, caller, asked, decide)
        return Response({"userId": user, "role": data.role.value}, headers=headers)

    @delete("/members/{user:str}", status_code=204, summary="Take somebody out, or leave")
    async def take_out(
        self, id: FromPath[str], user: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        asked = team_id(id)
        decide = removing_from_team(asked, account_id(user))
        return Response(None, status_code=204, headers=await _done(parts, caller, asked, decide))


async def _done(parts: Parts, caller: AccountId, id: TeamId, decide: Decide) -> dict[str, str]:
    """Headers of the answer. Raises NotFound to all who do not belong to the organization."""
    organization = await organization_of(parts, caller, id)
    command = Govern(by=caller, organization_id=organization, decide=decide)
    return await written(parts, await parts.dispatch(command), ORGANIZATIONS)
