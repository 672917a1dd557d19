"""API keys over HTTP: shown once, worth what they say, gone when they are told to go."""

import psycopg
import pytest

from adapters.data_folder import DataFolder
from settings import load
from tests.people import Person, eventually, expect, refused, sample

PIXEL = sample("valid/sharp__2x2_fdcce6.png")


def issue(http, *scopes, **fields):
    body = {"name": "robot", "scopes": scopes or ("read",)} | fields
    return http.post("/v1/api-keys", json=body)


@pytest.fixture
def owner(service):
    return Person(service, "keys")


@pytest.fixture
def key(owner):
    """A client with a key of the given scope."""

    def key(*scopes, by=owner.http, **fields):
        made = expect(issue(by, *scopes, **fields), 201)
        return owner.service.client(made["secret"]), made

    return key


def test_a_key_is_shown_once_and_listed_without_its_secret(owner, ben):
    answer = issue(owner.http, "write", name="Robot 🤖", expiresIn=3600)

    made = expect(answer, 201)
    secret = made.pop("secret")
    assert secret.startswith("drk_")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/v1/api-keys/{made['keyId']}"
    (listed,) = expect(owner.http.get("/v1/api-keys"), 200)["apiKeys"]
    assert listed == made | {"lastUsedAt": None}
    assert (listed["name"], listed["scopes"], listed["issuedBy"]) == ("Robot 🤖", ["write"], None)
    assert expect(ben.http.get("/v1/api-keys"), 200)["apiKeys"] == []


def test_its_secret_is_nowhere_in_the_database(owner):
    secret = expect(issue(owner.http), 201)["secret"]
    url = load(DataFolder(owner.service.data).endpoints()).database_url

    with psycopg.connect(url) as connection:
        rows = connection.execute("select k::text from secrets.api_keys k").fetchall()

    assert secret not in str(rows)
    assert secret.removeprefix("drk_") not in str(rows)


def test_a_key_does_what_its_scope_says(key, owner):
    reader, _ = key("read")
    writer, _ = key("write")

    assert expect(reader.get("/v1/me"), 200)["userId"] == owner.id
    for method, path, scope in (
        ("POST", "/v1/uploads", "upload"),
        ("PATCH", "/v1/me", "write"),
        ("DELETE", "/v1/tus/x", "write"),
    ):
        problem = refused(reader.request(method, path, json={}), 403, "forbidden")
        assert problem["neededScope"] == scope
    image = expect(writer.post("/v1/images", files={"file": ("a.png", PIXEL)}), 201)
    expect(writer.get(f"/v1/images/{image['imageId']}"), 200)


def test_only_an_admin_key_of_an_administrator_administers(key, admin, owner):
    strong, _ = key("admin")
    refused(strong.get("/v1/admin/audit"), 403, "forbidden")
    for scope, status in (("write", 403), ("admin", 200)):
        secret = expect(issue(admin.http, scope), 201)["secret"]
        assert owner.service.client(secret).get("/v1/admin/audit").status_code == status


def test_no_key_is_a_person(key, owner):
    strong, _ = key("read", "write", "admin")
    personal = [
        ("DELETE", "/v1/me", {"password": "correct horse battery"}),
        ("GET", "/v1/me/sessions", None),
        ("DELETE", "/v1/me/sessions/ses_x", None),
    ]

    for method, path, body in personal:
        problem = refused(strong.request(method, path, json=body), 403, "forbidden")
        assert problem["neededScope"] == "person"
    expect(owner.http.get("/v1/me"), 200)


def test_a_key_cannot_raise_its_rights(key):
    writer, mine = key("write", expiresIn=600)
    reader, _ = key("read")

    refused(issue(writer, "admin"), 403, "forbidden")
    refused(issue(reader, "read"), 403, "forbidden")
    child = expect(issue(writer, "read", expiresIn=86_400), 201)
    assert child["issuedBy"] == mine["keyId"]
    assert child["expiresAt"] == mine["expiresAt"]


def test_a_revoked_key_opens_nothing_from_then_on_nor_does_what_it_made(key, owner, ben):
    parent, made = key("write")
    child, _ = key("read", by=parent)
    other, _ = key("read")
    refused(ben.http.delete(f"/v1/api-keys/{made['keyId']}"), 404, "not_found")
    expect(child.get("/v1/me"), 200)

    for _ in range(2):
        assert owner.http.delete(f"/v1/api-keys/{made['keyId']}").status_code == 204

    for http in (parent, child):
        refused(http.get("/v1/me"), 401, "unauthenticated")
    expect(other.get("/v1/me"), 200)
    assert len(expect(owner.http.get("/v1/api-keys"), 200)["apiKeys"]) == 1


def test_a_key_ends_by_itself(key, owner):
    http, made = key("read", expiresIn=1)
    expect(http.get("/v1/me"), 200)
    eventually(lambda: http.get("/v1/me").status_code == 401, within=5)
    assert made["expiresAt"].endswith("Z")


def test_its_last_use_is_told(key, owner):
    http, made = key("read")
    unused = {it["keyId"]: it for it in expect(owner.http.get("/v1/api-keys"), 200)["apiKeys"]}
    assert unused[made["keyId"]]["lastUsedAt"] is None

    expect(http.get("/v1/me"), 200)

    def told():
        (found,) = expect(owner.http.get("/v1/api-keys"), 200)["apiKeys"]
        return found["lastUsedAt"] is not None

    eventually(told, within=20)


def test_an_erased_accounts_keys_open_nothing_at_once(service):
    gone = Person(service, "gone")
    secret = expect(issue(gone.http), 201)["secret"]

    body = {"password": "correct horse battery"}
    expect(gone.http.request("DELETE", "/v1/me", json=body), 202)

    refused(service.client(secret).get("/v1/images"), 401, "unauthenticated")
    refused(gone.http.get("/v1/images"), 401, "unauthenticated")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["person"]},
        {"name": "x", "scopes": ["everything"]},
        {"name": "", "scopes": ["read"]},
        {"name": " \n", "scopes": ["read"]},
        {"name": "x\u202ey", "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "expiresIn": 0},
    ],
)
def test_what_is_no_key(owner, body):
    refused(owner.http.post("/v1/api-keys", json=body), 422, "validation")


def test_what_looks_like_a_key_is_none(owner):
    for secret in ("drk_", "drk_" + "x" * 43, "drk_" + "x" * 10_000, "drk_caf\xe9"):
        header = {"Authorization": f"Bearer {secret}".encode("latin-1")}
        refused(owner.service.client().get("/v1/me", headers=header), 401, "unauthenticated")


def test_a_key_is_in_the_accounts_history_without_its_secret(owner):
    made = expect(issue(owner.http), 201)

    answer = owner.http.get("/v1/me/history")

    event = expect(answer, 200)["events"][-1]
    assert (event["type"], event["data"]["keyId"]) == ("account.api-key-issued", made["keyId"])
    assert made["secret"] not in answer.text


def test_sessions_are_listed_and_end_at_once(owner):
    body = {"email": owner.email, "password": "correct horse battery"}
    agent = {"User-Agent": "Lost phone/1.0"}
    lost = expect(owner.service.client().post("/v1/auth/login", json=body, headers=agent), 200)
    thief = owner.service.client(lost["accessToken"])
    found = expect(owner.http.get("/v1/me/sessions"), 200)["sessions"]
    (phone,) = [it for it in found if it["userAgent"] == "Lost phone/1.0"]
    assert [it["current"] for it in found].count(True) == 1
    assert not phone["current"]
    assert phone["address"] == "127.0.0.1"

    assert owner.http.delete(f"/v1/me/sessions/{phone['sessionId']}").status_code == 204

    refused(thief.get("/v1/me"), 401, "unauthenticated")
    refresh = {"refreshToken": lost["refreshToken"]}
    refused(thief.post("/v1/auth/refresh", json=refresh), 401, "unauthenticated")
    refused(owner.http.delete(f"/v1/me/sessions/{phone['sessionId']}"), 404, "not_found")
    assert len(expect(owner.http.get("/v1/me/sessions"), 200)["sessions"]) == 1


def test_nobody_ends_anothers_session(owner, ben):
    (session,) = expect(owner.http.get("/v1/me/sessions"), 200)["sessions"]

    refused(ben.http.delete(f"/v1/me/sessions/{session['sessionId']}"), 404, "not_found")

    expect(owner.http.get("/v1/me"), 200)


def test_logging_out_ends_the_access_token_too(owner):
    body = {"refreshToken": owner.tokens["refreshToken"]}
    assert owner.http.post("/v1/auth/logout", json=body).status_code == 204
    refused(owner.http.get("/v1/me"), 401, "unauthenticated")
