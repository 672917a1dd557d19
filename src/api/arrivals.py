"""What came in: by whose wishes, and what whoever brought it is told."""

from collections.abc import Sequence
from typing import Any

from litestar import Response

from api import surroundings
from api.album_views import visible_album
from api.bodies import Arriving
from api.parts import Parts
from api.pictures import Picture, etag, picture
from api.waiting import after_write, written
from commands.finalizing import FinalizeUpload, TakeIn, Uploaded
from commands.imports import ImportImage
from domain import access
from domain.access import Action, Viewer, Visibility
from domain.account import Duplicates
from domain.ids import AccountId, AlbumId, to_text
from domain.refusals import NotFound
from projections import gallery
from projections.gallery import Card, Exhibit
from projections.history import document, until


async def accepted(parts: Parts, command: FinalizeUpload | TakeIn | ImportImage) -> Uploaded:
    """Raises what is wrong with the bytes, once everybody can see that their room is free again."""
    uploaded: Uploaded = await parts.dispatch(command)
    if uploaded.refusal:
        await written(parts, uploaded.receipt)
        raise uploaded.refusal
    return uploaded


async def wishes(
    parts: Parts, caller: AccountId, said: Arriving, *, guest: bool = False
) -> tuple[Visibility, Duplicates, AlbumId | None]:
    """What the request says, or else the account's settings. Raises what bars the album.

    A guest is never given what the account has already, nor told that it has.
    """
    album = None
    if said.album_id is not None:
        viewer = Viewer(account_id=caller)
        album = (await visible_album(parts, viewer, said.album_id, Action.ADD)).card.id
    profile = await parts.accounts.find(caller)
    if profile is None:
        return said.visibility or Visibility.PRIVATE, Duplicates.KEEP, album
    duplicates = Duplicates.KEEP if guest else profile.duplicates
    return said.visibility or profile.default_visibility, duplicates, album


async def created(
    parts: Parts, uploaded: Uploaded, *, new: bool, guest: bool = False
) -> Response[Any]:
    headers = await written(parts, uploaded.receipt)
    exhibit = await _exhibit(parts, uploaded, new=new, guest=guest)
    shown = await _shown(parts, uploaded, exhibit, guest=guest)
    return Response(
        shown,
        status_code=201 if new and not uploaded.duplicate else 200,
        headers=headers | {"Location": f"/v1/images/{shown.image_id}", "ETag": etag(exhibit)},
    )


async def results(
    parts: Parts,
    outcomes: Sequence[Uploaded | dict[str, Any]],
    *,
    status_code: int,
    guest: bool = False,
) -> Response[dict[str, Any]]:
    receipts = [outcome.receipt for outcome in outcomes if isinstance(outcome, Uploaded)]
    last = max(receipts, key=lambda receipt: receipt.position or 0, default=None)
    headers = await written(parts, last)
    results = [
        outcome if isinstance(outcome, dict) else await _result(parts, outcome, guest=guest)
        for outcome in outcomes
    ]
    return Response({"results": results}, status_code=status_code, headers=headers)


async def _shown(
    parts: Parts, uploaded: Uploaded, exhibit: Exhibit, *, guest: bool = False
) -> Picture:
    """As its owner learns of it: with the image that has the same bytes, if there is one."""
    shown = picture(exhibit, parts.public_url)
    if guest:
        return shown  # what else the account has is not told to a guest
    twin = exhibit.card.id if uploaded.duplicate else await parts.gallery.twin(exhibit.card)
    shown.duplicate_of = to_text("img", twin) if twin else None
    return shown


async def _exhibit(parts: Parts, uploaded: Uploaded, *, new: bool, guest: bool) -> Exhibit:
    """For who brought it; for a guest as it came, whatever its owner has made of it since."""
    exhibit = await after_write(parts, uploaded.image_id)
    card = exhibit.card
    if card.deleted_at:
        raise NotFound
    viewer = Viewer(account_id=card.uploader_id)
    if card.entrusted and not new:
        await _require_member(parts, card, viewer)
    if guest:
        came = until(await parts.store.load(card.id), card.created_at)
        exhibit = Exhibit(card=document(gallery.project, came), print=exhibit.print)
    return await surroundings.with_albums(parts, viewer, exhibit)


async def _require_member(parts: Parts, card: Card, viewer: Viewer) -> None:
    """What an organization has is shown to who brought it as long as they may bring more, or may
    see it like others. Raises the policy's refusal."""
    subject, now = (await surroundings.known(parts, [card])).subject(card), parts.clock()
    circles = subject.albums
    if all(access.decide_on_album(viewer, Action.ADD, it, now=now) for it in circles):
        access.require(viewer, Action.LIST, subject, now=now)


async def _result(parts: Parts, uploaded: Uploaded, *, guest: bool) -> dict[str, Any]:
    new = uploaded.receipt.position is not None and not uploaded.duplicate
    exhibit = await _exhibit(parts, uploaded, new=new, guest=guest)
    shown = await _shown(parts, uploaded, exhibit, guest=guest)
    return {"status": 201 if new else 200, "image": shown}
