"""What nobody may bring: the list, for administrators."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from api.asking import Asked, page_of, paging
from api.bodies import Because, Sha256
from api.identifiers import id_of, image_id
from api.identity import Administrator, AnyRequest
from api.parts import Given, Parts
from api.waiting import BLOCKLIST, written
from commands.blocklist import AddBlock, Added, ExplainBlock, LiftBlock
from domain.ids import ImageId, to_text
from domain.refusals import NotFound, Validation
from projections.blocklist import Blocked


class NewBlock(Because, kw_only=True):
    """Bytes by their SHA-256, or an image: its bytes, or with `perceptual` what looks like it."""

    sha256: Sha256 | None = None
    image_id: str | None = None
    perceptual: bool = False


class BlocklistController(Controller):
    path = "/v1/admin/blocklist"
    tags = ("administration",)

    @post(summary="Let nobody bring it again")
    async def add(
        self, data: JSONBody[NewBlock], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        """Exact bytes are refused when they come; what looks like it is quarantined, to be seen by
        an administrator. What is here already is quarantined at once."""
        command = AddBlock(by=administrator, reason=data.reason, **await _features(parts, data))
        added: Added = await parts.dispatch(command)
        headers = await written(parts, added.receipt, BLOCKLIST)
        body = _shown(await _found(parts, added.block_id)) | {"quarantined": added.quarantined}
        location = {"Location": f"{self.path}/{body['blockId']}"}
        return Response(body, status_code=201, headers=headers | location)

    @get(summary="What is blocked, the oldest first")
    async def listed(
        self, request: AnyRequest, administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        """Why and by whom; never what: bytes are kept only as a keyed hash."""
        asked = Asked(request)
        where = paging(asked)
        asked.check()
        found = await parts.blocklist.list(**where)
        return page_of(
            "blocks",
            [*map(_shown, found.entries)],
            limit=where["limit"],
            page=where["page"],
            total=found.total,
            following=found.next_cursor,
        )

    @get("/{id:str}", summary="One entry")
    async def show(
        self, id: FromPath[str], administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        return _shown(await _found(parts, id_of("blk", id)))

    @patch("/{id:str}", summary="Give another reason")
    async def explain(
        self, id: FromPath[str], data: JSONBody[Because], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        block_id = id_of("blk", id)
        command = ExplainBlock(by=administrator, block_id=block_id, reason=data.reason)
        headers = await written(parts, await parts.dispatch(command), BLOCKLIST)
        return Response(_shown(await _found(parts, block_id)), headers=headers)

    @delete("/{id:str}", status_code=204, summary="Let it come again")
    async def lift(
        self, id: FromPath[str], data: JSONBody[Because], administrator: Administrator, parts: Given
    ) -> Response[None]:
        """What was quarantined because of it stays there, to be released."""
        command = LiftBlock(by=administrator, block_id=id_of("blk", id), reason=data.reason)
        headers = await written(parts, await parts.dispatch(command), BLOCKLIST)
        return Response(None, status_code=204, headers=headers)


async def _features(parts: Parts, data: NewBlock) -> dict[str, Any]:
    """Raises Validation where there is nothing to go by."""
    if (data.sha256 is None) == (data.image_id is None):
        raise Validation.of("sha256", "or imageId: give one of them")
    if data.image_id is None:
        if data.perceptual:
            raise Validation.of("perceptual", "needs an imageId")
        return {"checksum": data.sha256}
    id = image_id(data.image_id)
    if not data.perceptual:
        return {"checksum": await _checksum(parts, id)}
    traits = (await parts.prints.traits([id])).get(id)
    if traits is None or traits.fingerprint is None:
        message = "has nothing to be recognized by: flat, or not processed yet"
        raise Validation.of("imageId", message)
    return {"fingerprint": traits.fingerprint}


async def _checksum(parts: Parts, id: ImageId) -> str:
    exhibit = await parts.gallery.find(id)
    if exhibit is None or not exhibit.card.finalized:
        raise NotFound
    return exhibit.card.checksum


async def _found(parts: Parts, id: UUID) -> Blocked:
    found = await parts.blocklist.find(id)
    if found is None:
        raise NotFound
    return found


def _shown(entry: Blocked) -> dict[str, Any]:
    return {
        "blockId": to_text("blk", entry.id),
        "manner": entry.manner.value,
        "reason": entry.reason,
        "addedBy": to_text("u", entry.added_by),
        "addedAt": entry.added_at,
    }
