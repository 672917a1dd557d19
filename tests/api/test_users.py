"""Accounts in the hands of administrators: looked for, suspended, signed out, given room."""

import secrets

import pytest

from tests.people import PASSWORD, Person, eventually, expect, refused, sample

PIXEL = sample("valid/sharp__2x2_fdcce6.png")
WHY = {"reason": "a long story"}


@pytest.fixture
def user(service):
    return Person(service, f"user-{secrets.token_hex(3)}")


def act(admin, user, what, body=WHY):
    return admin.http.post(f"/v1/admin/users/{user.id}/{what}", json=body)


def log_in(user, password=PASSWORD):
    body = {"email": user.email, "password": password}
    return user.service.client().post("/v1/auth/login", json=body)


def test_a_suspended_account_opens_nothing_from_the_next_request_on(admin, user, anyone):
    key = expect(user.http.post("/v1/api-keys", json={"name": "x", "scopes": ["read"]}), 201)
    robot = user.service.client(key["secret"])
    form = {"grant_type": "client_credentials", "client_id": key["keyId"]}
    bought = expect(anyone.post("/oauth/token", data=form | {"client_secret": key["secret"]}), 200)
    lent = user.service.client(bought["access_token"])

    assert expect(act(admin, user, "suspend"), 200)["suspended"] is True

    for http in (user.http, robot, lent):
        for method, path in (("GET", "/v1/me"), ("GET", "/v1/images"), ("POST", "/v1/uploads")):
            refused(http.request(method, path, json={}), 403, "account_suspended")
    refused(log_in(user), 403, "account_suspended")
    refused(log_in(user, "wrong"), 401, "unauthenticated")
    refresh = {"refreshToken": user.tokens["refreshToken"]}
    refused(anyone.post("/v1/auth/refresh", json=refresh), 403, "account_suspended")
    refused(
        user.http.request("DELETE", "/v1/me", json={"password": PASSWORD}), 403, "account_suspended"
    )

    assert expect(act(admin, user, "reinstate"), 200)["suspended"] is False

    expect(user.http.get("/v1/me"), 200)
    expect(robot.get("/v1/me"), 200)
    expect(log_in(user), 200)


def test_what_a_suspended_account_shows_is_still_seen_and_nothing_comes_in(admin, user, anyone):
    image = user.upload(PIXEL, visibility="public")
    hidden = user.upload(PIXEL, visibility="private")
    link = {"expiresIn": 600, "permissions": ["view"]}
    lent = expect(user.http.post(f"/v1/images/{hidden['imageId']}/share", json=link), 201)
    number = {"number": 1, "expiresIn": 60}
    token = expect(user.http.post("/v1/upload-tokens", json=number), 201)["token"]

    expect(act(admin, user, "suspend"), 200)

    assert anyone.get(image["url"]).content == PIXEL
    assert anyone.get(lent["shareUrl"]).content == PIXEL
    promise = {"filename": "a.png", "size": 10, "contentType": "image/png"}
    guest = user.service.client(token)
    refused(guest.post("/v1/uploads", json=promise), 403, "account_suspended")
    path = f"/v1/admin/images/{image['imageId']}/takedown"
    expect(admin.http.post(path, json=WHY), 200)
    assert not anyone.get(image["url"]).is_success


def test_each_act_stands_in_the_history_with_actor_and_reason(admin, user):
    for what in ("suspend", "suspend", "reinstate", "sign-out"):
        expect(act(admin, user, what), 200)

    entries = expect(admin.http.get("/v1/admin/audit", params={"stream": user.id}), 200)["entries"]

    acts = [it for it in entries if it["actor"] == admin.id]
    assert [it["type"] for it in acts] == [
        *("account.suspended", "account.reinstated", "account.signed-out")
    ]


def test_signing_out_ends_every_session_and_no_account(admin, user):
    other = expect(log_in(user), 200)

    expect(act(admin, user, "sign-out"), 200)

    for http in (user.http, user.service.client(other["accessToken"])):
        refused(http.get("/v1/me"), 401, "unauthenticated")
    expect(log_in(user), 200)


def test_plan_and_quota_change_what_fits(admin, user):
    path = f"/v1/admin/users/{user.id}"
    promise = {"filename": "a.png", "size": 1_000, "contentType": "image/png"}

    small = expect(admin.http.patch(path, json=WHY | {"quotaBytes": 999}), 200)
    assert (small["plan"], small["quotaBytes"]) == ("free", 999)
    refused(user.http.post("/v1/uploads", json=promise), 413, "quota_exceeded")
    large = expect(admin.http.patch(path, json=WHY | {"plan": "premium"}), 200)
    assert (large["plan"], large["quotaBytes"]) == ("premium", 1024**4)
    expect(user.http.post("/v1/uploads", json=promise), 201)
    mine = expect(user.http.get("/v1/me"), 200)
    assert (mine["plan"], mine["quotaBytes"]) == ("premium", 1024**4)
    both = expect(admin.http.patch(path, json=WHY | {"plan": "free", "quotaBytes": 5_000}), 200)
    assert (both["plan"], both["quotaBytes"]) == ("free", 5_000)
    refused(admin.http.patch(path, json=WHY | {"plan": "gold"}), 422, "validation")
    refused(admin.http.patch(path, json={"quotaBytes": 5}), 422, "validation")


def test_users_are_found_by_name_address_and_state(admin, service):
    tag = secrets.token_hex(5)
    people = [Person(service, f"{tag}.{n}") for n in range(3)]
    expect(act(admin, people[0], "suspend"), 200)

    def found(**query):
        answer = expect(admin.http.get("/v1/admin/users", params={"q": tag} | query), 200)
        return [it["userId"] for it in answer["users"]], answer["total"], answer["nextCursor"]

    newest_first = [it.id for it in reversed(people)]
    assert found() == (newest_first, 3, None)
    assert found(q=people[1].email.upper())[0] == [people[1].id]
    assert found(suspended="true")[0] == [people[0].id]
    assert found(suspended="false")[0] == newest_first[:2]
    assert found(plan="premium") == ([], 0, None)
    assert found(q="%")[1] == 0
    pages, cursor = [], None
    while True:
        ids, _, cursor = found(limit=2, **({"cursor": cursor} if cursor else {}))
        pages.append(ids)
        if not cursor:
            break
    assert pages == [newest_first[:2], newest_first[2:]]
    assert found(limit=2, page=2)[0] == newest_first[2:]
    for wrong in ({"cursor": "x"}, {"limit": 0}, {"suspended": "perhaps"}):
        answer = admin.http.get("/v1/admin/users", params=wrong)
        refused(answer, 422, "validation")


def test_one_user_is_shown_with_what_they_take(admin, user):
    user.upload(PIXEL)

    shown = expect(admin.http.get(f"/v1/admin/users/{user.id}"), 200)

    assert (shown["username"], shown["email"]) == (user.name, user.email)
    assert (shown["storageBytes"], shown["images"]) == (len(PIXEL), 1)


def test_nobody_else_administers(user, ben, anyone):
    for method, path in (
        ("GET", "/v1/admin/users"),
        ("GET", f"/v1/admin/users/{user.id}"),
        ("PATCH", f"/v1/admin/users/{user.id}"),
        ("POST", f"/v1/admin/users/{user.id}/suspend"),
        ("POST", f"/v1/admin/users/{user.id}/reinstate"),
        ("POST", f"/v1/admin/users/{user.id}/sign-out"),
    ):
        refused(ben.http.request(method, path, json=WHY), 403, "forbidden")
        refused(anyone.request(method, path, json=WHY), 401, "unauthenticated")
    expect(user.http.get("/v1/me"), 200)


def test_running_out_of_room_is_in_the_accounts_history_once_each(admin, user):
    path = f"/v1/admin/users/{user.id}"
    expect(admin.http.patch(path, json=WHY | {"quotaBytes": len(PIXEL)}), 200)
    user.upload(PIXEL)

    def told():
        events = expect(user.http.get("/v1/me/history"), 200)["events"]
        return [it["data"]["percent"] for it in events if it["type"] == "account.quota-reached"]

    eventually(lambda: told() == [80, 95, 100], within=20)


def test_a_plan_says_how_large_a_file_may_be(admin, user):
    path = f"/v1/admin/users/{user.id}"
    expect(admin.http.patch(path, json=WHY | {"plan": "tiny"}), 200)
    promise = {"filename": "a.png", "size": 77, "contentType": "image/png"}
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "77"}

    for answer in (
        user.http.post("/v1/uploads", json=promise),
        user.http.post("/v1/images", files={"file": ("a.png", PIXEL + b"x")}),
        user.http.post("/v1/tus", headers=tus),
    ):
        assert refused(answer, 413, "file_too_large")["limitBytes"] == 76
    expect(user.http.post("/v1/images", files={"file": ("a.png", PIXEL)}), 201)


def test_who_runs_the_installation_is_shown_as_such(admin, user):
    for who, runs in ((admin, True), (user, False)):
        shown = expect(admin.http.get(f"/v1/admin/users/{who.id}"), 200)
        listed = expect(admin.http.get("/v1/admin/users", params={"q": who.email}), 200)["users"]
        assert [shown["administrator"], *(it["administrator"] for it in listed)] == [runs, runs]
