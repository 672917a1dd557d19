"""All whom and all that the authorization matrix speaks of, made once on a running service."""

import secrets
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from domain.ids import to_text
from tests.api.behind import quarantined, unscanned
from tests.api.keyring import Keyring
from tests.api.test_albums import new_album
from tests.api.test_organizations import assign, found_organization, invited, join, new_team
from tests.people import PASSWORD, Person, eventually, expect
from tests.service import Service

Thing = dict[str, str]
"""What its names stand for in a probe."""
LIVE = ("private", "unlisted", "public")
TEAM = ("team admin", "team editor", "team uploader", "team viewer")
LENT = {"view": ["view"], "download": ["view", "download"], "edit": ["view", "edit"]}


class World:
    def __init__(self, service: Service, admin: Person, dot: bytes) -> None:
        self._service, self._dot = service, dot
        self._keyring = Keyring(service)
        self._mark = f"m{secrets.token_hex(6)}"
        self._guesser = service.client()
        self.people = {"admin": admin} | {name: Person(service, "matrix") for name in ACCOUNTS}
        self.clients = {name: person.http for name, person in self.people.items()}
        self._firm = self._found()
        self.things: dict[tuple[str, str], Thing] = {}
        self._make_albums()
        self._make_images()
        self._make_organizations()
        self._make_uploads()
        self._make_reports()
        self._make_own()
        self._make_credentials()
        self._mine = {
            name: person.upload(dot, "mine.png")["imageId"]
            for name, person in self.people.items()
            if name not in ("suspended", "erased")
        }

    def thing(self, kind: str, state: str, caller: str) -> Thing:
        names = self.things[kind, state]
        person = "owner" if caller in KEYS else "admin" if caller in ADMIN_KEYS else caller
        return names | {"mine": self._mine.get(person, names.get("image", ""))}

    def fresh(self, kind: str, state: str, caller: str) -> Thing:
        """The same, for destruction."""
        return self.thing(kind, state, caller) | self._MAKERS[kind](self, state)

    def link(self, kind: str, state: str, caller: str) -> dict[str, str]:
        """The query that a holder of a link comes with."""
        if caller not in LINKS or kind not in ("image", "album"):
            return {}
        thing = self.things[kind, state]
        if caller == "album link" and kind == "image":
            kind, thing = "album", self.things["album", "private"]
        share = thing[{"revoked link": "share", "wrong password": "locked"}.get(caller, "link")]
        days = -2 if caller == "expired link" else 2
        forged = caller == "forged link"
        return self._keyring.link(kind, thing["id"], share, days=days, forged=forged)

    # Who

    def _found(self) -> dict[str, Any]:
        boss = self.people["org owner"]
        firm = found_organization(boss, "Matrix")
        join(firm, boss, self.people["org admin"], "admin")
        for name in ("org member", "owner", *TEAM):
            join(firm, boss, self.people[name])
        return firm

    def _team(self) -> dict[str, Any]:
        boss = self.people["org owner"]
        team = new_team(boss, self._firm)
        for name in TEAM:
            assign(boss, team, self.people[name], name.removeprefix("team "))
        assign(boss, team, self.people["owner"], "uploader")
        return team

    def _make_credentials(self) -> None:
        owner, admin = self.people["owner"], self.people["admin"]
        for names, person in ((KEYS, owner), (ADMIN_KEYS, admin)):
            for name, scope in names.items():
                asked = {"name": name, "scopes": [scope]}
                key = expect(person.http.post("/v1/api-keys", json=asked), 201)
                self.clients[name] = self._service.client(key["secret"])
        token = expect(owner.http.post("/v1/upload-tokens", json={"number": 9_999}), 201)
        self.clients["guest"] = self._service.client(token["token"])
        self.clients["anonymous"] = self._service.client()
        self.clients |= {name: self._service.client() for name in LINKS}
        self.clients["wrong password"] = self._guesser
        self.clients["refresh token"] = self._service.client(owner.tokens["refreshToken"])
        past, forged = self._keyring.expired_and_forged(owner.tokens["accessToken"])
        self.clients["expired token"] = self._service.client(past)
        self.clients["forged token"] = self._service.client(forged)
        suspended = f"/v1/admin/users/{self.people['suspended'].id}/suspend"
        expect(admin.http.post(suspended, json={"reason": "matrix"}), 200)
        body = {"password": PASSWORD}
        expect(self.clients["erased"].request("DELETE", "/v1/me", json=body), 202)
        gone = self.things["report", "erased"]["id"]
        eventually(lambda: gone not in admin.http.get("/v1/admin/reports?limit=100").text)

    # What

    def _make_albums(self) -> None:
        self._living_team = self._team()
        for state in (*LIVE, "deleted", "team's"):
            self.things["album", state] = self._album(state)
        gone = self.things["album", "deleted"]
        assert self.clients["owner"].delete(f"/v1/albums/{gone['id']}").status_code == 204
        absent = {"id": to_text("alb", uuid4()), "visibility": "private"}
        self.things["album", "absent"] = gone | absent

    def _album(self, state: str) -> Thing:
        people, visibility = self.people, state if state in LIVE else "private"
        team = {"teamId": self._living_team["teamId"]} if state == "team's" else {}
        by = people["org owner" if team else "owner"]
        id = new_album(by, "Matrix", visibility=visibility, **team)["albumId"]
        path = f"/v1/albums/{id}"
        if not team:
            for name, permissions in LENT.items():
                self._lend(by, path, people[f"album {name}"], permissions)
        self._lend(by, path, people["suspended"], ["view"])
        names = {"id": id, "visibility": visibility, "other": people["other"].id}
        return names | self._links(by, path) | {"image": self._inside(id)}

    def _inside(self, album: str) -> str:
        image = self.people["owner"].upload(self._dot, "inside.png", albumId=album)
        return str(image["imageId"])

    def _lend(self, by: Person, path: str, whom: Person, permissions: list[str]) -> None:
        body = {"permissions": permissions}
        expect(by.http.put(f"{path}/collaborators/{whom.id}", json=body), 200)

    def _links(self, by: Person, path: str) -> Thing:
        link, share = (
            expect(by.http.post(f"{path}/share", json={}), 201)["shareId"] for _ in range(2)
        )
        assert by.http.delete(f"{path}/shares/{share}").status_code == 204
        asked = {"password": PASSWORD}
        locked = expect(by.http.post(f"{path}/share", json=asked), 201)["shareId"]
        guess = self._guesser.post(f"/s/{locked}/unlock", json={"password": "wrong"})
        assert guess.status_code == 403, guess.text
        links = {"link": link, "share": share, "locked": locked}
        return links | {"user": self.people["suspended"].id}

    def _make_images(self) -> None:
        for state in IMAGES:
            self.things["image", state] = self._image(state)
        gone = self.things["image", "purged"]
        self.things["image", "absent"] = gone | {"id": to_text("img", uuid4())}

    def _image(self, state: str, *, bare: bool = False) -> Thing:
        people, visibility = self.people, state if state in LIVE else "private"
        team = state == "team's"
        by = people["org owner" if team else "owner"]
        said = {"title": self._mark, "custom": {"matrix": self._mark}, "visibility": visibility}
        album = self.things["album", "team's"]["id"]
        if state == "scanning":
            id = unscanned(people["owner"], self._dot, said)
        else:
            placed = {"albumId": album} if team else {}
            id = people["owner"].upload(self._dot, "m.png", **said, **placed)["imageId"]
        path = f"/v1/images/{id}"
        names = {"id": id, "visibility": visibility}
        if not bare:
            names |= self._surrounded(by, path, id, albums=not team)
        self._brought_to(state, path, id)
        return names

    def _surrounded(self, by: Person, path: str, id: str, *, albums: bool) -> Thing:
        for name, permissions in LENT.items():
            self._lend(by, path, self.people[name], permissions)
        self._lend(by, path, self.people["suspended"], ["view"])
        for state in ("private", "team's") if albums else ():
            album = self.things["album", state]["id"]
            assert by.http.put(f"/v1/albums/{album}/images/{id}").status_code == 204
        people = {name: self.people[name].id for name in ("owner", "other")}
        return self._links(by, path) | people | {"mark": self._mark}

    def _brought_to(self, state: str, path: str, id: str) -> None:
        http = self.clients["owner"]
        if state == "deleted":
            expect(http.delete(path), 200)
        if state == "purged":
            expect(http.post(f"{path}/purge"), 202)
        if state == "taken down":
            told = {"imageId": id, "reason": "other"}
            report = expect(self.clients["admin"].post("/v1/reports", json=told), 202)["reportId"]
            word = {"action": "takedown", "reason": "matrix"}
            judged = f"/v1/admin/reports/{report}/resolve"
            expect(self.clients["admin"].post(judged, json=word), 200)
        if state == "quarantined":
            quarantined(self.people["owner"], id)

    def _make_organizations(self) -> None:
        boss = self.people["org owner"]
        standing = {
            "name": "Matrix",
            "founder": boss.id,
            "user": self.people["team viewer"].id,
            "nobody": to_text("u", uuid4()),
            "invitation": self._invitation("pending")["id"],
        }
        living, nobody = self._firm["orgId"], to_text("org", uuid4())
        gone = found_organization(boss, "Matrix")["orgId"]
        expect(boss.http.delete(f"/v1/orgs/{gone}"), 202)
        for state, id in (("living", living), ("deleted", gone), ("absent", nobody)):
            self.things["organization", state] = standing | {"id": id, "spare": id}
        gone = new_team(boss, self._firm)["teamId"]
        assert boss.http.delete(f"/v1/teams/{gone}").status_code == 204
        standing |= {"name": "Prints"}
        living, nobody = self._living_team["teamId"], to_text("team", uuid4())
        for state, id in (("living", living), ("deleted", gone), ("absent", nobody)):
            self.things["team", state] = standing | {"id": id}
        self.things["invitation", "pending"] = self._invitation("pending")
        self.things["invitation", "absent"] = {"id": to_text("inv", uuid4())}

    def _invitation(self, _: str) -> Thing:
        """To who is not in it, or else nobody could accept it any more."""
        boss, whom = self.people["org owner"], self.people["invited"]
        if self.clients["invited"].get(f"/v1/orgs/{self._firm['orgId']}").status_code == 200:
            path = f"/v1/orgs/{self._firm['orgId']}/members/{whom.id}"
            assert boss.http.delete(path).status_code == 204
        return {"id": invited(self._firm, boss, whom.email)["invitationId"]}

    def _make_uploads(self) -> None:
        owner = self.people["owner"]
        aborted = owner.initiate(self._dot)["uploadId"]
        assert owner.http.delete(f"/v1/uploads/{aborted}").status_code == 204
        finalized = owner.upload(self._dot)["imageId"].replace("img_", "upl_")
        absent = to_text("upl", uuid4())
        self.things["upload", "open"] = self._upload("open")
        for state, id in (("finalized", finalized), ("aborted", aborted), ("absent", absent)):
            self.things["upload", state] = {"id": id}
        self.things["tus", "open"] = self._tus("open")
        self.things["tus", "absent"] = {"id": absent}
        self.things["account", "self"] = {"upload": absent, "album": to_text("alb", uuid4())}

    def _upload(self, _: str) -> Thing:
        return {"id": self.people["owner"].initiate(self._dot)["uploadId"]}

    def _tus(self, _: str) -> Thing:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "76"}
        answer = self.clients["owner"].post("/v1/tus", headers=headers)
        assert answer.status_code == 201, answer.text
        return {"id": answer.headers["location"].rpartition("/")[2]}

    def _make_reports(self) -> None:
        """One that is dismissed already; and one of who is erased."""
        admin = self.clients["admin"]
        about = {"imageId": self.things["image", "public"]["id"], "reason": "spam"}
        filed = expect(self.clients["other"].post("/v1/reports", json=about), 202)["reportId"]
        word = {"action": "dismiss", "reason": "why"}
        expect(admin.post(f"/v1/admin/reports/{filed}/resolve", json=word), 200)
        gone = expect(self.clients["erased"].post("/v1/reports", json=about), 202)["reportId"]
        absent = to_text("rep", uuid4())
        self.things["block", "listed"] = self._block("listed")
        self.things["block", "absent"] = {"id": to_text("blk", uuid4())}
        for state, id in (("filed", filed), ("erased", gone), ("absent", absent)):
            self.things["report", state] = {"id": id}

    def _block(self, _: str) -> Thing:
        told = {"sha256": secrets.token_hex(32), "reason": "why"}
        answer = self.clients["admin"].post("/v1/admin/blocklist", json=told)
        return {"id": expect(answer, 201)["blockId"]}

    def _make_own(self) -> None:
        http = self.clients["owner"]
        asked = {"name": "x", "scopes": ["read"]}
        key = expect(http.post("/v1/api-keys", json=asked), 201)["keyId"]
        token = expect(http.post("/v1/upload-tokens", json={}), 201)["tokenId"]
        assert http.delete(f"/v1/api-keys/{key}").status_code == 204
        assert http.delete(f"/v1/upload-tokens/{token}").status_code == 204
        self.things["own", "there"] = {"key": key, "token": token} | self._ones_own("there")
        kinds = {"key": "key", "token": "upt", "operation": "op", "session": "ses"}
        kinds["webhook"] = "whk"
        absent = {name: to_text(prefix, uuid4()) for name, prefix in kinds.items()}
        self.things["own", "absent"] = absent
        purged = self._image("private", bare=True)["id"]
        receipt = expect(http.post(f"/v1/images/{purged}/purge"), 202)
        here = {"id": receipt["receiptUrl"].rpartition("/")[2], "provider": "acme"}
        self.things["anybody", "here"] = here
        calm = self._person("known")
        known = {"id": self.people["suspended"].id, "calm": calm["id"]}
        gone, nobody = self.people["erased"].id, to_text("u", uuid4())
        self.things["person", "known"] = known
        self.things["person", "erased"] = {"id": gone, "calm": gone}
        self.things["person", "absent"] = {"id": nobody, "calm": nobody}

    def _ones_own(self, _: str) -> Thing:
        """An act upon many, and a session."""
        http = self.clients["owner"]
        image = self._image("private", bare=True)["id"]
        body = {"action": "tag", "tags": ["x"], "imageIds": [image]}
        operation = expect(http.post("/v1/images/bulk", json=body), 200)["operationId"]
        entry = {"email": self.people["owner"].email, "password": PASSWORD}
        expect(http.post("/v1/auth/login", json=entry), 200)
        sessions = expect(http.get("/v1/me/sessions"), 200)["sessions"]
        other = next(it["sessionId"] for it in sessions if not it["current"])
        hook = {"url": "https://hook.invalid/", "types": ["claim"]}
        webhook = expect(http.post("/v1/webhooks", json=hook), 201)["webhookId"]
        return {"operation": operation, "session": other, "webhook": webhook}

    def _person(self, _: str) -> Thing:
        return {"id": Person(self._service, "calm").id}

    def _fresh_album(self, state: str) -> Thing:
        if state in ("deleted", "absent"):
            return {"image": self._inside(self.things["album", "private"]["id"])}
        return self._album(state)

    def _fresh_organization(self, _: str) -> Thing:
        """Another one of its owner; of the one there is, another invitation."""
        spare = found_organization(self.people["org owner"], "Spare")["orgId"]
        return {"invitation": self._invitation("pending")["id"], "spare": spare}

    def _fresh_team(self, _: str) -> Thing:
        return {"id": self._team()["teamId"]}

    _MAKERS: dict[str, Callable[["World", str], Thing]] = {
        "image": lambda self, state: self._image(state, bare=True),
        "album": _fresh_album,
        "organization": _fresh_organization,
        "team": _fresh_team,
        "invitation": _invitation,
        "upload": _upload,
        "tus": _tus,
        "own": _ones_own,
        "block": _block,
    }


KEYS = {"read key": "read", "write key": "write", "admin key": "admin"}
ADMIN_KEYS = {"admin's write key": "write", "admin's admin key": "admin"}
LINKS = ("link", "album link", "expired link", "revoked link", "forged link", "wrong password")
ACCOUNTS = (
    *("owner", "other", "invited", "view", "download", "edit", "suspended", "erased"),
    *("album view", "album download", "album edit", "org owner", "org admin", "org member", *TEAM),
)
IMAGES = (*LIVE, "scanning", "quarantined", "taken down", "deleted", "purged", "team's")
