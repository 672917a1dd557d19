"""One's presets: transforms by name."""

from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, put
from litestar.params import FromPath, JSONBody

from api.bodies import NewPreset
from api.identity import AnyRequest, Caller
from api.parts import Given, Parts
from api.short_lists import short_list
from api.waiting import written
from commands.presets import RemovePreset, SavePreset
from domain.ids import AccountId
from domain.preset import Presets
from domain.refusals import NotFound, Unauthenticated


class PresetController(Controller):
    path = "/v1/me/presets"
    tags = ("accounts",)

    @get(summary="Your presets: transforms by name")
    async def show_all(self, request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
        found = await _presets(parts, caller)
        rows = [_preset(name, ops) for name, ops in found.items()]
        return short_list(request, "presets", rows, by=itemgetter("name"))

    @get("/{name:str}", summary="One of them")
    async def show(self, name: FromPath[str], caller: Caller, parts: Given) -> dict[str, Any]:
        return _preset(name, (await _presets(parts, caller)).get(name))

    @put("/{name:str}", summary="Name a transform, or give the name to another one")
    async def save(
        self, name: FromPath[str], data: JSONBody[NewPreset], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        command = SavePreset(by=caller, name=name, ops=data.ops)
        headers = await written(parts, await parts.dispatch(command))
        saved = (await _presets(parts, caller)).get(name)
        return Response(_preset(name, saved), headers=headers)

    @delete("/{name:str}", status_code=204, summary="Forget a preset")
    async def remove(self, name: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        command = RemovePreset(by=caller, name=name)
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)


async def _presets(parts: Parts, account_id: AccountId) -> Presets:
    profile = await parts.accounts.find(account_id)
    if profile is None:
        raise Unauthenticated
    return profile.presets


def _preset(name: str, ops: str | None) -> dict[str, Any]:
    if ops is None:
        raise NotFound
    return {"name": name, "ops": ops}
