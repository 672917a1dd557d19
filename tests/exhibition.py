"""Images in every state, lent in every way, and whoever looks at them: for the delivery table."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from adapters.data_folder import DataFolder
from bootstrap import Core
from commands import object_keys
from commands.ports import Batch
from domain.access import Visibility
from domain.ids import AccountId, ImageId, from_text
from domain.image_events import ImageFinalized, ImageQuarantined
from domain.media import Content, Format
from settings import load
from tests.api.test_albums import at, lend, new_album
from tests.api.test_organizations import assign, found_organization, join, new_team
from tests.people import PASSWORD, Person, expect
from tests.service import Service

SIGNED: Mapping[str, Mapping[str, str]] = {
    "": {"variant": "original"},
    "/original.png": {"variant": "original.png"},
    "/thumb.webp": {"variant": "thumb"},
    "/small.auto": {"variant": "small.auto"},
    "/t/w_64.webp": {"transform": "w_64.webp"},
}
"""What is signed, by the end of the path that it opens."""
TAKING = {"permissions": ["view", "download"]}


class People(msgspec.Struct, kw_only=True):
    """Whoever looks, by the name that the table has for them."""

    service: Service
    owner: Person
    founder: Person
    others: Mapping[str, Person]
    staff: Mapping[str, Person]
    tokens: Mapping[str, str]
    albums: Sequence[Any]
    """The owner's; the second one's link is revoked. The last is the founder's team's."""
    links: Mapping[str, str]
    """Queries of the albums' links."""
    visitor: httpx.Client
    """Has given the passwords of locked links, and keeps cookies."""

    def client(self, name: str) -> httpx.Client:
        people = {"owner": self.owner, **self.others, **self.staff}
        if name in people:
            return people[name].http
        if name == "link unlocked":
            return self.visitor
        return self.service.client(self.tokens.get(name))


class Piece(msgspec.Struct, kw_only=True):
    """One image of the owner's and one of the organization's, and the keys to the former."""

    own: str
    entrusted: str
    links: Mapping[str, str]
    """Queries, by the name of who holds one."""
    shares: Mapping[str, str]
    """The ids of the image's own links."""
    signed: Mapping[str, str]
    """Of URLs: by the path, with a `?` behind it for a download."""
    expired: Mapping[str, str]


def gather(service: Service, admin: Person) -> People:
    other = {
        name: Person(service, name.replace(" ", "-"))
        for name in (
            *("owner", "other", "suspended", "shared by name", "album guest view"),
            *("album guest download", "collaborator view", "collaborator download"),
            "collaborator edit",
        )
    }
    owner, founder = other.pop("owner"), Person(service, "founder")
    suspending = f"/v1/admin/users/{other['suspended'].id}/suspend"
    expect(admin.http.post(suspending, json={"reason": "for the table"}), 200)
    albums = [new_album(owner), new_album(owner)]
    lend(owner, albums[0], other["album guest view"], "view")
    lend(owner, albums[0], other["album guest download"], "view", "download")
    open, closed = (lent(owner, at(album)) for album in albums)
    _revoke(owner, at(albums[1]), closed)
    staff, team_album = _organization(service, founder)
    keys = {
        f"owner's {scope} key": owner.http.post(
            "/v1/api-keys", json={"name": scope, "scopes": [scope]}
        )
        for scope in ("read", "write")
    }
    tokens = {name: expect(answer, 201)["secret"] for name, answer in keys.items()}
    guests = expect(owner.http.post("/v1/upload-tokens", json={"number": 1}), 201)["token"]
    return People(
        service=service,
        owner=owner,
        founder=founder,
        others={"admin": admin, **other},
        staff=staff,
        tokens={
            **tokens,
            "owner's upload token": guests,
            "bad token": owner.tokens["accessToken"][:-8] + "tampered",
        },
        albums=[*albums, team_album],
        links={"album link": query(open), "album link revoked": query(closed)},
        visitor=service.client(),
    )


def hang(who: People, content: bytes, visibility: str, *, scanned: bool = True) -> Piece:
    """Put both images up, the owner's lent in every way."""
    ways = ((who.owner, None), (who.founder, who.albums[-1]["albumId"]))
    own, entrusted = (
        _hung(person, content, visibility, album, scanned=scanned) for person, album in ways
    )
    path, http = f"/v1/images/{own}", who.owner.http
    for permissions in (["view"], ["view", "download"], ["view", "edit"]):
        whom = who.others[f"collaborator {permissions[-1]}"].id
        body = {"permissions": permissions}
        expect(http.put(f"{path}/collaborators/{whom}", json=body), 200)
    for album in who.albums[:2]:
        expect(http.put(f"{at(album)}/images", json={"imageIds": [own]}), 200)
    links = _links(who, path)
    elsewhere = f"/v1/images/{who.owner.upload(content)['imageId']}"
    queries = {name: query(link) for name, link in links.items()}
    queries["link of another image"] = query(lent(who.owner, elsewhere, **TAKING))
    queries["link unlocked"] = _unlocked(who.visitor, links["link unlocked"])
    return Piece(
        own=own,
        entrusted=entrusted,
        links=who.links | queries,
        shares={name: link["shareId"] for name, link in links.items()},
        signed=_signed(who.owner, path, 3_600),
        expired=_signed(who.owner, path, 1),
    )


def lent(person: Person, path: str, **asked: Any) -> dict[str, Any]:
    return expect(person.http.post(f"{path}/share", json=asked), 201)


def query(link: dict[str, Any]) -> str:
    return str(link["shareUrl"]).partition("?")[2]


def quarantine(service: Service, *images: str) -> None:
    """As a scanner does it."""

    async def found(core: Core, image: ImageId) -> None:
        after = len(await core.store.load(image))
        finding = ImageQuarantined(scanner="table", finding="Eicar")
        batch = Batch(stream_id=image, after=after, events=[finding])
        await core.store.append([batch], by=AccountId(image))

    _behind(service, found, images)


def _organization(service: Service, founder: Person) -> tuple[dict[str, Person], Any]:
    firm = found_organization(founder)
    team = new_team(founder, firm)
    staff = {"org owner": founder}
    for name in ("org admin", "team editor", "team uploader", "team viewer", "org member"):
        whom = staff[name] = Person(service, name.replace(" ", "-"))
        join(firm, founder, whom, "admin" if name == "org admin" else "viewer")
        if name.startswith("team"):
            assign(founder, team, whom, name.removeprefix("team "))
    return staff, new_album(founder, teamId=team["teamId"])


def _hung(
    person: Person, content: bytes, visibility: str, album: str | None, *, scanned: bool
) -> str:
    said = {"visibility": visibility} | ({"albumId": album} if album else {})
    if scanned:
        return str(person.upload(content, "a.png", **said)["imageId"])
    promise = {"filename": "a.png", "size": len(content), "contentType": "image/png"}
    promise |= {"albumId": album} if album else {}
    ticket = expect(person.http.post("/v1/uploads", json=promise), 201)
    assert person.put(ticket, content).status_code == 200
    image = ticket["uploadId"].replace("upl_", "img_")
    _behind(person.service, lambda core, id: _accept(core, id, content, visibility), [image])
    if album:
        path = f"/v1/albums/{album}/images"
        expect(person.http.put(path, json={"imageIds": [image]}), 200)
    return str(image)


async def _accept(core: Core, image: ImageId, content: bytes, visibility: str) -> None:
    """As finalizing does it where a scanner is still to come."""
    (promised,) = await core.store.load(image)
    attempt = uuid4()
    owner = promised.event.owner_id  # type: ignore[attr-defined]  # UploadInitiated
    key = object_keys.original(owner, image, attempt)
    await core.objects.copy(object_keys.incoming(image), key)
    finalized = ImageFinalized(
        attempt=attempt,
        format=Format.PNG,
        size=len(content),
        visibility=Visibility(visibility),
        personal=Content(checksum=uuid4().hex * 2, width=2, height=2),
    )
    await core.store.append([Batch(stream_id=image, after=1, events=[finalized])], by=owner)


def _behind(service: Service, work: Callable[[Core, ImageId], Any], images: Sequence[str]) -> None:
    """Write what no request can."""

    async def all_of_them() -> None:
        core = Core(load(DataFolder(service.data).endpoints()))
        async with core.opened():
            for image in images:
                id = from_text("img", image)
                assert id
                await work(core, ImageId(id))

    asyncio.run(all_of_them())


def _links(who: People, path: str) -> dict[str, dict[str, Any]]:
    owner, named = who.owner, who.others["shared by name"]
    revoked = lent(owner, path)
    _revoke(owner, path, revoked)
    return {
        "link view": lent(owner, path),
        "link download": lent(owner, path, **TAKING),
        "link expired": lent(owner, path, expiresIn=1),
        "link revoked": revoked,
        "link locked": lent(owner, path, password=PASSWORD),
        "link unlocked": lent(owner, path, password=PASSWORD),
        "link made out to another": lent(owner, path, sharedWith=named.id),
    }


def _unlocked(http: httpx.Client, link: dict[str, Any]) -> str:
    """Both as a browser and as a program; where there is nothing to open, the locked link."""
    path, word = f"/s/{link['shareId']}/unlock", {"password": PASSWORD}
    http.post(path, data=word, headers={"Accept": "text/html"})
    answer = http.post(path, json=word)
    return query(answer.json() if answer.status_code == 200 else link)


def _revoke(person: Person, path: str, link: dict[str, Any]) -> None:
    assert person.http.delete(f"{path}/shares/{link['shareId']}").status_code == 204


def _signed(person: Person, path: str, seconds: int) -> dict[str, str]:
    found = {}
    for end, named in SIGNED.items():
        for more in ("", "?"):
            body = {**named, "expiresIn": seconds, "download": bool(more)}
            url = expect(person.http.post(f"{path}/signed-url", json=body), 200)["url"]
            found[end + more] = url.partition("?")[2]
    return found
