"""Accounts: who may have which name, and that each name is had once."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.people import PASSWORD, Person, expect, refused


def account(**changed):
    name = f"p{secrets.token_hex(6)}"
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD} | changed


def test_an_account_is_made_and_can_be_used_at_once(anyone):
    asked = account()

    answer = anyone.post("/v1/auth/signup", json=asked)

    made = expect(answer, 201)
    assert made["userId"].startswith("u_")
    assert (made["username"], made["email"]) == (asked["username"], asked["email"])
    assert made["createdAt"].endswith("Z")
    assert "password" not in answer.text
    assert int(answer.headers["darkroom-position"]) > 0
    assert answer.headers["location"] == "/v1/me"
    credentials = {"email": asked["email"], "password": PASSWORD}
    expect(anyone.post("/v1/auth/login", json=credentials), 200)


@pytest.mark.parametrize(
    "changed",
    [
        *(
            {"username": name}
            for name in ("", "ab", "a" * 33, "a b", "ann\n", "änn", "\uff21\uff4e\uff4e", "a/b")
        ),
        *(
            {"email": email}
            for email in ("", "nowhere", "a@b@c", "a b@c", "a@b\n", "@b", "a@", "\0@b")
        ),
        {"email": "a@" + "b" * 191},
        {"email": "a" * 65 + "@b"},
        *({"password": password} for password in ("", "1234567", "x" * 1_025)),
    ],
    ids=lambda changed: ascii(changed)[:40],
)
def test_what_is_no_name_no_address_or_no_password_is_refused(anyone, changed):
    problem = refused(anyone.post("/v1/auth/signup", json=account(**changed)), 422, "validation")

    assert [error["field"] for error in problem["errors"]] == list(changed)


@pytest.mark.parametrize(
    "password", ["12345678", "💥💥💥💥💥💥💥💥", "\0\0\0\0\0\0\0\0", "x" * 1_024]
)
def test_any_other_password_is_one(anyone, password):
    asked = account(password=password)
    expect(anyone.post("/v1/auth/signup", json=asked), 201)

    right = {"email": asked["email"], "password": password}
    expect(anyone.post("/v1/auth/login", json=right), 200)
    for wrong in ("", password[:-1], "y" + password[1:]):
        refused(
            anyone.post("/v1/auth/login", json=right | {"password": wrong}), 401, "unauthenticated"
        )


@pytest.mark.parametrize("same", ["email", "username"])
def test_of_32_at_once_exactly_one_gets_the_name(anyone, same):
    shared = account()[same]

    with ThreadPoolExecutor(32) as pool:
        answers = list(
            pool.map(
                lambda _: anyone.post("/v1/auth/signup", json=account(**{same: shared})), range(32)
            )
        )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 31
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, f"{same}_taken")


def test_the_loser_of_a_name_can_have_another(anyone, ann):
    asked = account(username=ann.name)
    refused(anyone.post("/v1/auth/signup", json=asked), 409, "username_taken")

    expect(anyone.post("/v1/auth/signup", json=asked | {"username": account()["username"]}), 201)


@pytest.mark.parametrize("spelling", [str.upper, str.title, str.swapcase])
def test_another_case_is_the_same_name(anyone, ann, spelling):
    refused(
        anyone.post("/v1/auth/signup", json=account(username=spelling(ann.name))),
        409,
        "username_taken",
    )
    refused(
        anyone.post("/v1/auth/signup", json=account(email=spelling(ann.email))), 409, "email_taken"
    )


def test_another_width_or_composition_is_the_same_address(anyone):
    asked = account(email=f"zoë.{secrets.token_hex(6)}@straße.example")
    expect(anyone.post("/v1/auth/signup", json=asked), 201)

    for email in (
        asked["email"].replace("ë", "e\u0308"),
        asked["email"].replace("z", "\uff5a"),
        asked["email"].replace("ß", "ss").upper(),
    ):
        refused(anyone.post("/v1/auth/signup", json=account(email=email)), 409, "email_taken")


def test_a_profile_shows_its_owner_what_it_is(service):
    person = Person(service, "profile")

    me = expect(person.http.get("/v1/me"), 200)

    assert me.pop("createdAt").endswith("Z")
    assert me == {
        "userId": person.id,
        "username": person.name,
        "email": person.email,
        "plan": "free",
        "quotaBytes": 10 * 1024**3,
        "defaultVisibility": "private",
        "keepGps": False,
        "notify": {},
        "duplicates": "keep",
        "emailVerified": False,
        "secondFactor": False,
    }


def test_settings_change_one_by_one(service, dot):
    person = Person(service, "settings")
    changes = [
        {"defaultVisibility": "public"},
        {"keepGps": True},
        {"notify": {"quota": False, "shared": True}},
        {"defaultVisibility": "unlisted", "keepGps": False},
        {},
    ]
    expected = expect(person.http.get("/v1/me"), 200)
    for change in changes:
        answer = person.http.patch("/v1/me", json=change)
        expected |= change
        assert expect(answer, 200) == expected
        assert int(answer.headers["darkroom-position"]) > 0
        assert expect(person.http.get("/v1/me"), 200) == expected

    assert person.upload(dot)["visibility"] == "unlisted"
    assert person.upload(dot, visibility="private")["visibility"] == "private"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"defaultVisibility": "secret", "keepGps": "yes"}, {"defaultVisibility", "keepGps"}),
        ({"username": "a b", "plan": "gold", "quotaBytes": 1}, {"username", "plan", "quotaBytes"}),
        ({"notify": {"\0": True}}, {"notify"}),
        ({"notify": {"quota": "yes"}}, {"notify"}),
        ({"notify": {f"n{number}": True for number in range(51)}}, {"notify"}),
        ({"email": "new@example.org"}, {"email"}),
    ],
)
def test_a_bad_setting_changes_nothing(ann, change, wrong):
    before = expect(ann.http.get("/v1/me"), 200)

    problem = refused(ann.http.patch("/v1/me", json=change), 422, "validation")

    assert {error["field"] for error in problem["errors"]} == wrong
    assert expect(ann.http.get("/v1/me"), 200) == before


def test_a_name_can_change_and_then_belongs_to_whoever_comes(service, anyone, ann):
    person, new = Person(service, "renamed"), f"new-{secrets.token_hex(6)}"

    assert expect(person.http.patch("/v1/me", json={"username": new}), 200)["username"] == new
    refused(anyone.post("/v1/auth/signup", json=account(username=new)), 409, "username_taken")
    expect(anyone.post("/v1/auth/signup", json=account(username=person.name)), 201)
    refused(person.http.patch("/v1/me", json={"username": person.name}), 409, "username_taken")
    refused(person.http.patch("/v1/me", json={"username": ann.name}), 409, "username_taken")

    respelled = expect(person.http.patch("/v1/me", json={"username": new.upper()}), 200)
    assert respelled["username"] == new.upper()
    refused(anyone.post("/v1/auth/signup", json=account(username=new)), 409, "username_taken")


def test_usage_follows_what_is_promised_kept_and_given_up(service, dot):
    person = Person(service, "usage")
    keys = ("images", "uploads", "storageBytes", "reservedBytes")

    def usage():
        found = person.usage
        assert set(found) >= {"quotaBytes", "views", "downloads", "egressBytes", "period"}
        return tuple(found[key] for key in keys)

    size = len(dot)
    assert usage() == (0, 0, 0, 0)
    first, second = person.initiate(dot), person.initiate(dot)
    assert usage() == (0, 0, 0, 2 * size)
    person.put(first, dot)
    image = expect(person.finalize(first), 201)
    assert usage() == (1, 1, size, size)
    assert person.http.delete(f"/v1/uploads/{second['uploadId']}").status_code == 204
    assert usage() == (1, 1, size, 0)
    expect(person.http.delete(f"/v1/images/{image['imageId']}"), 200)
    assert usage() == (1, 1, size, 0), "the trash is still kept, and counts"
    expect(person.http.post(f"/v1/images/{image['imageId']}/restore"), 200)
    assert usage() == (1, 1, size, 0)


def test_nobody_has_no_profile(anyone):
    for method, path in (("GET", "/v1/me"), ("PATCH", "/v1/me"), ("GET", "/v1/me/usage")):
        refused(anyone.request(method, path, content=b"{}"), 401, "unauthenticated")
