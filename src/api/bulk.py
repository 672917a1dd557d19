"""One act upon many images, and its undoing."""

from collections.abc import Sequence
from typing import Any

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from api import problems
from api.album_views import visible_album
from api.bodies import MAX_BATCH, Describing, NewOperation
from api.idempotency import Ids
from api.identifiers import id_of
from api.identity import Caller
from api.parts import Given, Parts
from api.reading import details
from api.restoring import returned
from api.waiting import ALBUMS, written
from commands.bulk import ActOnMany, Outcome, UndoOperation
from commands.ports import Receipt
from commands.restoring import Returned
from domain import access
from domain.access import Viewer
from domain.ids import ImageId, from_text, to_text
from domain.operation import Action
from domain.refusals import BatchTooLarge, NotFound, Validation
from projections.positions import CORE


@post("/v1/images/bulk", status_code=200, tags=["images"], summary="One act upon many images")
async def act(
    data: JSONBody[NewOperation], caller: Caller, parts: Given, new_id: Ids
) -> Response[dict[str, Any]]:
    """A dry run changes nothing, and says of each image what would happen."""
    if len(data.image_ids) > MAX_BATCH:
        raise BatchTooLarge(limit=MAX_BATCH, requested=len(data.image_ids))
    action, album = _action(data), None
    if action is Action.ALBUM and data.album_id is not None:
        viewer = Viewer(account_id=caller)
        album = await visible_album(parts, viewer, data.album_id, access.Action.ADD)
    operation_id, known = new_id(), {it: from_text("img", it) for it in data.image_ids}
    outcomes = await parts.dispatch(
        ActOnMany(
            by=caller,
            operation_id=operation_id,
            action=action,
            image_ids=tuple(ImageId(id) for id in known.values() if id),
            tags=details(Describing(tags=data.tags)).tags or (),
            visibility=data.visibility,
            album_id=album.card.id if album else None,
            dry_run=data.dry_run,
        )
    )
    by_id = {it.image_id: it for it in outcomes}
    body = {
        "operationId": None if data.dry_run else to_text("op", operation_id),
        "dryRun": data.dry_run,
        "results": [_result(it, by_id.get(known[it])) for it in data.image_ids],
    }
    return Response(body, headers=await _written(parts, outcomes, dry_run=data.dry_run))


@post("/v1/operations/{id:str}/undo", status_code=200, tags=["images"], summary="Take an act back")
async def undo(
    id: FromPath[str], caller: Caller, parts: Given, new_id: Ids
) -> Response[dict[str, Any]]:
    """An act upon many images, or a return to an earlier moment. What has changed since is left
    alone, and named."""
    operation_id = id_of("op", id)
    command = UndoOperation(by=caller, operation_id=operation_id, undo_id=new_id())
    outcomes = await parts.dispatch(command)
    results = [
        returned(it) if isinstance(it, Returned) else _result(to_text("img", it.image_id), it)
        for it in outcomes
    ]
    body = {"operationId": to_text("op", command.undo_id), "results": results}
    return Response(body, headers=await _written(parts, outcomes, ALBUMS))


def _action(data: NewOperation) -> Action:
    """Raises Validation for what an action needs and was not given."""
    action = Action(data.action)
    if action in (Action.TAG, Action.UNTAG) and not data.tags:
        raise Validation.of("tags", "are missing")
    if action is Action.VISIBILITY and data.visibility is None:
        raise Validation.of("visibility", "is missing")
    if action is Action.ALBUM and data.album_id is None:
        raise Validation.of("albumId", "is missing")
    return action


def _result(id: str, outcome: Outcome | None) -> dict[str, Any]:
    refusal = outcome.refusal if outcome else NotFound()
    if refusal is not None:
        return {"imageId": id} | problems.item(refusal)
    assert outcome is not None
    return {"imageId": id, "status": 200, "changed": outcome.changed}


async def _written(
    parts: Parts,
    outcomes: Sequence[Outcome | Returned],
    projections: frozenset[str] = CORE,
    *,
    dry_run: bool = False,
) -> dict[str, str]:
    last = max((it.position for it in outcomes if it.position), default=None)
    receipt = None if dry_run else Receipt(version=0, position=last)
    return await written(parts, receipt, projections)
