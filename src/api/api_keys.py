"""API keys: for programs that act for an account."""

from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api.bodies import NewApiKey
from api.idempotency import Ids
from api.identifiers import id_of
from api.identity import AnyRequest, Bearing, Caller
from api.parts import Given
from api.reading import line
from api.short_lists import short_list
from api.waiting import written
from commands.api_keys import IssueApiKey, RevokeApiKey, of_account
from domain.access import Scope
from domain.api_key import ApiKey
from domain.ids import KeyId, to_text


class ApiKeyController(Controller):
    path = "/v1/api-keys"
    tags = ("accounts",)

    @post(summary="Make a key; its secret is shown this once")
    async def issue(
        self, data: JSONBody[NewApiKey], bearer: Bearing, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        key_id = KeyId(new_id())
        command = IssueApiKey(
            by=bearer.account_id,
            by_key=bearer.key_id,
            key_id=key_id,
            name=line("name", data.name),
            scopes=[Scope(scope) for scope in data.scopes],
            expires_in=data.expires_in,
        )
        issued = await parts.dispatch(command)
        headers = await written(parts, issued.receipt)
        location = f"{self.path}/{to_text('key', key_id)}"
        headers |= {"Location": location, "Cache-Control": "no-store"}
        body = _shown(key_id, issued.key) | {"secret": issued.secret}
        return Response(body, status_code=201, headers=headers)

    @get(summary="Your keys, without their secrets")
    async def list(self, request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
        found = await of_account(caller, store=parts.store)
        used = await parts.api_keys.last_used(caller)
        keys = [
            _shown(id, key) | {"lastUsedAt": used.get(id)}
            for id, key in found.items()
            if not key.revoked
        ]
        return short_list(request, "apiKeys", keys, by=itemgetter("keyId"))

    @delete("/{id:str}", status_code=204, summary="Revoke a key, and every key that it made")
    async def revoke(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        command = RevokeApiKey(by=caller, key_id=KeyId(id_of("key", id)))
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)


def _shown(key_id: KeyId, key: ApiKey) -> dict[str, Any]:
    return {
        "keyId": to_text("key", key_id),
        "name": key.name,
        "scopes": sorted(key.scopes),
        "expiresAt": key.expires_at,
        "issuedBy": to_text("key", key.issued_by) if key.issued_by else None,
    }
