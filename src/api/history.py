"""History over HTTP: what happened to an image, an album or an account, and how it was then."""

from collections.abc import Iterable
from typing import Any

from litestar import get
from litestar.params import FromPath
from msgspec.structs import replace

from api import accounts as profiles
from api.asking import Asked
from api.identifiers import album_id, image_id, organization_id
from api.identity import AnyRequest, Bearing, Caller, administrates
from api.org_views import governed
from api.parts import Given, Parts
from api.pictures import picture
from api.seeing import overseen
from api.short_lists import short_list
from commands.restoring import MOST
from domain import access, album, image
from domain.access import Action, Viewer
from domain.ids import ImageId, to_text
from domain.image_events import AddedToAlbum
from domain.refusals import NotFound
from domain.stream import Recorded, fold
from projections import accounts, albums, gallery, organizations
from projections.accounts import Profile
from projections.albums import AlbumCard
from projections.gallery import Card, Exhibit
from projections.history import Moment, Step, document, moment, steps, until
from projections.organizations import OrganizationCard


@get("/v1/images/{id:str}/history", tags=["images"], summary="Every event of an image")
async def of_image(
    request: AnyRequest, id: FromPath[str], bearer: Bearing, parts: Given
) -> dict[str, Any]:
    """For its owner, whatever became of it, and for administrators.

    With `at`, a position or a time: the image as it was then, and nothing if it was not there.
    """
    asked, at = image_id(id), _at(request)
    history = await overseen(parts, asked, bearer)
    if at is None:
        return {"imageId": id} | _paged(request, steps(gallery.project, history))
    then = until(history, at)
    return _then(then) | {"image": await _picture(parts, document(gallery.project, then))}


@get("/v1/albums/{id:str}/history", tags=["albums"], summary="Every event of an album")
async def of_album(
    request: AnyRequest, id: FromPath[str], bearer: Bearing, parts: Given
) -> dict[str, Any]:
    """For who manages it, and for administrators. Images say themselves when they came and went.

    With `at`, a position or a time: the album as it was then, with what was in it. Of an owner of
    very many images `imageIds` is null.
    """
    asked, at = album_id(id), _at(request)
    history = list(await parts.store.load(asked))
    state = fold(album.evolve, history)
    if state is None:
        raise NotFound
    if not await administrates(parts, bearer):
        team = await parts.organizations.cards([state.owner_id]) if state.team_id else {}
        roles = team[state.owner_id].state.roles(state.team_id) if team else {}
        circle = replace(state, deleted=False, roles=roles).circle
        viewer = Viewer(account_id=bearer.account_id)
        access.require_on_album(viewer, Action.MANAGE, circle, now=parts.clock())
    if at is None:
        return {"albumId": id} | _paged(request, steps(albums.project, history))
    then = until(history, at)
    card = document(albums.project, then)
    if card is None:
        return _then(then) | {"album": None}
    return _then(then) | {"album": _album(card) | {"imageIds": await _inside(parts, card, at)}}


@get("/v1/orgs/{id:str}/history", tags=["organizations"], summary="Every event of an organization")
async def of_organization(
    request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
) -> dict[str, Any]:
    """For its owner and administrators. With `at`, a position or a time: as it was then."""
    card = await governed(parts, caller, organization_id(id))
    history, at = await parts.store.load(card.id), _at(request)
    if at is None:
        return {"orgId": id} | _paged(request, steps(organizations.project, history))
    then = until(history, at)
    found = document(organizations.project, then)
    return _then(then) | {"org": _organization(found) if found else None}


@get("/v1/me/history", tags=["account"], summary="Every event of the account")
async def of_account(request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
    """With `at`, a position or a time: the account as it was then."""
    history, at = await parts.store.load(caller), _at(request)
    if at is None:
        return _paged(request, steps(accounts.project, history))
    then = until(history, at)
    profile = document(accounts.project, then)
    return _then(then) | {"account": _account(profile) if profile else None}


async def _picture(parts: Parts, card: Card | None) -> Any:
    if card is None or not card.finalized:
        return None
    now = await parts.gallery.find(card.id)
    then = Exhibit(card=card, album_ids=list(card.albums))
    if now:
        then = replace(then, print=now.print, views=now.views)
    return picture(then, parts.public_url)


def _account(profile: Profile) -> dict[str, Any]:
    return profiles.shown(profile) | {"presets": profile.presets, "suspended": profile.suspended}


async def _inside(parts: Parts, card: AlbumCard, at: Moment) -> list[str] | None:
    """What was in the album, in its order; None where too much would have to be looked at."""
    own = await parts.belongings.images(card.owner_id)
    ids = {*own, *await parts.belongings.inside(card.id)}
    if len(ids) > MOST:
        return None
    placed = list[tuple[int, ImageId]]()
    for id, history in (await parts.histories.of(ids)).items():
        then = until(history, at)
        state = fold(image.evolve, then)
        if state and state.live and card.id in state.album_ids:
            placed.append((max(it.position or 0 for it in then if _put(it, card)), id))
    first = {id: n for n, id in enumerate(card.arranged)}
    placed.sort(key=lambda it: (first.get(it[1], len(first)), it[0]))
    return [to_text("img", id) for _, id in placed]


def _put(recorded: Recorded[Any], card: AlbumCard) -> bool:
    event = recorded.event
    return isinstance(event, AddedToAlbum) and event.album_id == card.id


def _organization(card: OrganizationCard) -> dict[str, Any]:
    return {
        "orgId": to_text("org", card.id),
        "name": card.name,
        "members": {to_text("u", it): role.value for it, role in card.members.items()},
        "teams": {
            to_text("team", id): {
                "name": team.name,
                "members": {to_text("u", it): role.value for it, role in team.members.items()},
            }
            for id, team in card.teams.items()
        },
    }


def _album(card: AlbumCard) -> dict[str, Any]:
    return {
        "albumId": to_text("alb", card.id),
        "title": card.title,
        "description": card.description,
        "visibility": card.visibility.value,
        "coverId": to_text("img", card.cover_id) if card.cover_id else None,
        "parentId": to_text("alb", card.parent_id) if card.parent_id else None,
        "order": [to_text("img", it) for it in card.arranged],
    }


def _at(request: AnyRequest) -> Moment | None:
    asked = Asked(request)
    at = asked.one("at", moment)
    asked.check()
    return at


def _paged(request: AnyRequest, story: Iterable[Step]) -> dict[str, Any]:
    """In the order of the stream."""
    rows = map(shown, story)
    return short_list(request, "events", rows, by=lambda it: f"{it['version']:09}", whole=True)


def _then(history: list[Recorded[Any]]) -> dict[str, Any]:
    """Where the answer stands: at the last event that it knows of."""
    last = history[-1] if history else None
    return {"position": last.position if last else None, "at": last.at if last else None}


def shown(step: Step) -> dict[str, Any]:
    told = step.entry
    changes = {name: {"before": old, "after": new} for name, (old, new) in step.changes.items()}
    return {
        "position": told.position,
        "version": told.version,
        "type": told.type,
        "at": told.at,
        "actor": told.actor,
        "operationId": told.operation,
        "requestId": told.request,
        "data": _named(told.data) | ({"changes": _named(changes)} if changes else {}),
    }


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return {_camel(name): value for name, value in fields.items()}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))
