"""Whom an image is lent to by name."""

from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, put
from litestar.params import FromPath, JSONBody

from api.bodies import NewCollaborator
from api.identifiers import account_id, image_id
from api.identity import AnyRequest, Caller
from api.parts import Given
from api.seeing import visible
from api.short_lists import short_list
from api.waiting import written
from commands.lending import AddCollaborator, RemoveCollaborator
from domain.access import Action
from domain.ids import to_text
from domain.refusals import NotFound


class CollaboratorController(Controller):
    path = "/v1/images/{id:str}/collaborators"
    tags = ("sharing",)

    @get(summary="Whom an image is lent to by name")
    async def listed(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        card = (await visible(request, parts, caller, id, Action.MANAGE)).card
        rows = [
            {"userId": to_text("u", account), "permissions": sorted(permissions)}
            for account, permissions in card.collaborators.items()
        ]
        return short_list(request, "collaborators", rows, by=itemgetter("userId"))

    @put("/{user:str}", summary="Lend an image to somebody, until it is taken back")
    async def add(
        self,
        request: AnyRequest,
        id: FromPath[str],
        user: FromPath[str],
        data: JSONBody[NewCollaborator],
        caller: Caller,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        await visible(request, parts, caller, id, Action.MANAGE)
        whom, permissions = account_id(user), frozenset(data.permissions)
        command = AddCollaborator(
            by=caller, image_id=image_id(id), account_id=whom, permissions=permissions
        )
        if await parts.accounts.find(whom) is None:
            raise NotFound
        headers = await written(parts, await parts.dispatch(command))
        return Response({"userId": user, "permissions": sorted(permissions)}, headers=headers)

    @delete("/{user:str}", status_code=204, summary="Take it back, at once; or give it back")
    async def remove(
        self, id: FromPath[str], user: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        command = RemoveCollaborator(by=caller, image_id=image_id(id), account_id=account_id(user))
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)
