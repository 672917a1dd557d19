"""History over HTTP: what happened to an image or an account, and how it was at a moment."""

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath

from api.identity import AnyRequest, Caller, administrators, image_id
from api.listing import Asked
from api.parts import Given, Parts
from api.pictures import picture
from domain import image
from domain.ids import AccountId, ImageId
from domain.refusals import NotFound
from domain.stream import Recorded, fold
from projections import accounts, gallery
from projections.gallery import Card, Exhibit
from projections.history import Moment, Step, document, moment, steps, until


@get("/v1/images/{id:str}/history", tags=["images"], summary="Every event of an image")
async def of_image(
    request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
) -> dict[str, Any]:
    """For its owner, whatever became of it, and for administrators.

    With `at`, a position or a time: the image as it was then, and nothing if it was not there.
    """
    asked, at = image_id(id), _at(request)
    history = await _history(parts, asked, caller)
    if at is None:
        return {"imageId": id, "events": [_shown(it) for it in steps(gallery.project, history)]}
    then = until(history, at)
    return _then(then) | {"image": await _picture(parts, document(gallery.project, then))}


@get("/v1/me/history", tags=["account"], summary="Every event of the account")
async def of_account(request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
    """With `at`, a position or a time: the account as it was then."""
    history, at = await parts.store.load(caller), _at(request)
    if at is None:
        return {"events": [_shown(it) for it in steps(accounts.project, history)]}
    then = until(history, at)
    profile = document(accounts.project, then)
    return _then(then) | {"account": _named(msgspec.to_builtins(profile)) if profile else None}


async def _history(parts: Parts, id: ImageId, caller: AccountId) -> list[Recorded[Any]]:
    """Raises NotFound to all who may not read it: they cannot tell it from what never was."""
    history = list(await parts.store.load(id))
    state = fold(image.evolve, history)
    if state is None or caller not in (state.owner_id, *await administrators(parts)):
        raise NotFound
    return history


async def _picture(parts: Parts, card: Card | None) -> Any:
    if card is None or not card.finalized:
        return None
    now = await parts.gallery.find(card.id)
    then = Exhibit(card=card, print=now.print if now else None, album_ids=list(card.albums))
    return picture(then, parts.public_url)


def _at(request: AnyRequest) -> Moment | None:
    asked = Asked(request)
    at = asked.one("at", moment)
    asked.check()
    return at


def _then(history: list[Recorded[Any]]) -> dict[str, Any]:
    """Where the answer stands: at the last event that it knows of."""
    last = history[-1] if history else None
    return {"position": last.position if last else None, "at": last.at if last else None}


def _shown(step: Step) -> dict[str, Any]:
    told = step.entry
    changes = {name: {"before": old, "after": new} for name, (old, new) in step.changes.items()}
    return {
        "position": told.position,
        "version": told.version,
        "type": told.type,
        "at": told.at,
        "actor": told.actor,
        "operationId": told.operation,
        "data": _named(told.data) | ({"changes": _named(changes)} if changes else {}),
    }


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return {_camel(name): value for name, value in fields.items()}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))
