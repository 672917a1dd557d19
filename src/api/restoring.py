"""Point-in-time restore: an album, or an account, as it was."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from api import problems
from api.bodies import NewRestoring
from api.idempotency import Ids
from api.identifiers import album_id
from api.identity import Caller
from api.parts import Given, Parts
from api.waiting import ALBUMS, all_read, written
from commands.ports import Receipt
from commands.restoring import RestoreAccount, RestoreAlbum, Returned, Then
from domain.ids import to_text
from domain.refusals import Validation
from projections.history import Moment, moment, until

_PREFIX = {"image": "img", "album": "alb", "account": "u"}


@post("/v1/albums/{id:str}/restore-to", status_code=200, tags=["albums"], summary="As it was then")
async def album(
    data: JSONBody[NewRestoring], id: FromPath[str], caller: Caller, parts: Given, new_id: Ids
) -> Response[dict[str, Any]]:
    """Its texts, its order, and which images are in it; at a position or a time. Who may see what
    stays as it is. A dry run changes nothing, and says what would."""
    await all_read(parts)
    command = RestoreAlbum(
        by=caller,
        album_id=album_id(id),
        then=_then(_moment(data.at)),
        request=new_id(),
        dry_run=data.dry_run,
    )
    return await _answer(parts, await parts.dispatch(command), command)


@post("/v1/me/restore-to", status_code=200, tags=["account"], summary="Everything as it was then")
async def account(
    data: JSONBody[NewRestoring], caller: Caller, parts: Given, new_id: Ids
) -> Response[dict[str, Any]]:
    """What you wrote about your images and albums, and what you threw away since; at a position or
    a time. Who may see what stays as it is. A dry run changes nothing, and says what would."""
    since = _moment(data.at)
    await all_read(parts)
    command = RestoreAccount(
        by=caller, then=_then(since), since=since, request=new_id(), dry_run=data.dry_run
    )
    return await _answer(parts, await parts.dispatch(command), command)


def _then(at: Moment) -> Then:
    return partial(_until, at=at)


def _moment(at: str | int) -> Moment:
    try:
        return moment(str(at))
    except ValueError as error:
        raise Validation.of("at", "must be a position or a time") from error


def _until(history: Any, *, at: Any) -> Any:
    return until(history, at)


async def _answer(
    parts: Parts, found: Sequence[Returned], command: RestoreAlbum | RestoreAccount
) -> Response[dict[str, Any]]:
    last = max((it.position for it in found if it.position), default=None)
    receipt = None if command.dry_run else Receipt(version=0, position=last)
    body = {
        "operationId": None if command.dry_run else to_text("op", command.request),
        "dryRun": command.dry_run,
        "results": [*map(returned, found)],
    }
    return Response(body, headers=await written(parts, receipt, ALBUMS))


def returned(it: Returned) -> dict[str, Any]:
    named = {f"{it.kind}Id": to_text(_PREFIX[it.kind], it.id)}
    if it.refusal is None:
        return named | {"status": 200, "changed": it.changed}
    return named | problems.item(it.refusal)
