"""Upload tokens: how an account lets others bring it images, and what these may then do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api.album_views import visible_album
from api.bodies import NewUploadToken
from api.idempotency import Ids
from api.identifiers import id_of
from api.identity import AnyRequest, Caller
from api.parts import Given, Parts
from api.short_lists import short_list
from api.waiting import written
from commands.credentials import Bearer
from commands.upload_tokens import IssueUploadToken, RevokeUploadToken, Terms, of_account
from domain.access import Action, Viewer, Visibility
from domain.ids import ImageId, TokenId, to_text
from domain.media import Format
from domain.refusals import Forbidden, NotFound, QuotaExceeded, Refusal
from domain.upload_token import UploadToken


class UploadTokenController(Controller):
    path = "/v1/upload-tokens"
    tags = ("uploads",)

    @post(summary="Let others bring you images; the token is shown this once")
    async def issue(
        self, data: JSONBody[NewUploadToken], caller: Caller, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        """Whoever has it may call POST /v1/uploads and POST /v1/images with it. What comes by it
        goes to `albumId`, where that is given, and to no album else."""
        token_id = TokenId(new_id())
        album = None
        if data.album_id is not None:
            viewer = Viewer(account_id=caller)
            album = (await visible_album(parts, viewer, data.album_id, Action.ADD)).card.id
        command = IssueUploadToken(
            by=caller,
            token_id=token_id,
            number=data.number,
            max_bytes=data.max_size,
            format=data.type and Format(data.type.removeprefix("image/")),
            album_id=album,
            expires_in=data.expires_in,
        )
        issued = await parts.dispatch(command)
        headers = await written(parts, issued.receipt)
        location = f"{self.path}/{to_text('upt', token_id)}"
        headers |= {"Location": location, "Cache-Control": "no-store"}
        body = _shown(token_id, issued.token, issued.token.number) | {"token": issued.secret}
        return Response(body, status_code=201, headers=headers)

    @get(summary="Tokens that you made, without their secrets")
    async def list(self, request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
        found = await of_account(caller, store=parts.store)
        remaining = await parts.upload_tokens.remaining(caller)
        tokens = [
            _shown(id, token, remaining.get(id, 0))
            for id, token in found.items()
            if not token.revoked
        ]
        return short_list(request, "uploadTokens", tokens, by=itemgetter("tokenId"))

    @delete("/{id:str}", status_code=204, summary="Nobody brings anything by it any more")
    async def revoke(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        command = RevokeUploadToken(by=caller, token_id=TokenId(id_of("upt", id)))
        headers = await written(parts, await parts.dispatch(command))
        return Response(None, status_code=204, headers=headers)


@asynccontextmanager
async def taking(
    parts: Parts, bearer: Bearer, image_id: ImageId, size: int
) -> AsyncIterator[Terms]:
    """One upload of a guest's token, given back if it is refused; of others nothing is asked."""
    if bearer.token_id is None:
        yield Terms()
        return
    terms = await parts.upload_tokens.take(bearer.token_id, image_id, size)
    try:
        yield terms
    except Refusal as no:
        await parts.upload_tokens.give_back(bearer.token_id, image_id)
        if isinstance(no, QuotaExceeded):  # how much the host has is the host's to know
            raise QuotaExceeded(requestedBytes=size) from no
        raise


async def require_own(parts: Parts, bearer: Bearer, image_id: ImageId) -> None:
    """A guest finalizes what came by the token, nothing else of the account. Raises NotFound."""
    if bearer.token_id and not await parts.upload_tokens.took(bearer.token_id, image_id):
        raise NotFound


def require_modest(
    bearer: Bearer, *, visibility: Visibility | None = None, album: str | None = None
) -> None:
    """Who may see an image, and where it goes, its owner says. Raises Forbidden."""
    if bearer.token_id and visibility is not None:
        raise Forbidden(reason="whoever made the token chooses the visibility")
    if bearer.token_id and album is not None:
        raise Forbidden(reason="whoever made the token chooses the album")


def _shown(token_id: TokenId, token: UploadToken, remaining: int) -> dict[str, Any]:
    return {
        "tokenId": to_text("upt", token_id),
        "type": token.format.content_type if token.format else None,
        "maxSize": token.max_bytes,
        "albumId": to_text("alb", token.album_id) if token.album_id else None,
        "number": token.number,
        "remaining": remaining,
        "expiresAt": token.expires_at,
    }
