"""The token endpoint as any OAuth 2.0 client sees it, and keys that follow one another."""

import base64
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import jwt
import pytest

from tests.people import PASSWORD, Person, eventually, expect, refused
from tests.service import coming_from

pytestmark = pytest.mark.xdist_group("rates")


def ask(http, **form):
    return http.post("/oauth/token", data=form)


def wrong(answer, error, status=400):
    """RFC 6749, 5.2."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.json()["error"] == error
    assert answer.json()["error_description"].isascii()


@pytest.fixture
def key(ann):
    body = {"name": "client", "scopes": ["write"]}
    return expect(ann.http.post("/v1/api-keys", json=body), 201)


def basic(key):
    raw = f"{quote_plus(key['keyId'])}:{quote_plus(key['secret'])}"
    return {"Authorization": f"Basic {base64.b64encode(raw.encode()).decode()}"}


def test_the_metadata_leads_to_everything(service, anyone):
    found = expect(anyone.get("/.well-known/oauth-authorization-server"), 200)

    assert found["issuer"] == service.url
    assert found["token_endpoint"] == f"{service.url}/oauth/token"
    assert set(found["grant_types_supported"]) == {
        *("password", "refresh_token", "client_credentials")
    }
    assert expect(anyone.get(found["jwks_uri"].removeprefix(service.url)), 200)["keys"]


def test_a_password_buys_tokens_and_they_can_be_refreshed(service, ann, anyone):
    answer = ask(anyone, grant_type="password", username=ann.email, password=PASSWORD)

    bought = expect(answer, 200)
    assert set(bought) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (bought["token_type"], bought["expires_in"]) == ("Bearer", 900)
    assert answer.headers["cache-control"] == "no-store"
    assert expect(service.client(bought["access_token"]).get("/v1/me"), 200)["userId"] == ann.id
    token = bought["refresh_token"]
    fresh = expect(ask(anyone, grant_type="refresh_token", refresh_token=token), 200)
    assert service.client(fresh["access_token"]).get("/v1/me").status_code == 200
    wrong(ask(anyone, grant_type="refresh_token", refresh_token=token), "invalid_grant")
    wrong(
        ask(anyone, grant_type="refresh_token", refresh_token=fresh["refresh_token"]),
        "invalid_grant",
    )


def test_an_api_key_is_a_client(service, ann, anyone, key):
    grant = {"grant_type": "client_credentials"}
    in_form = {"client_id": key["keyId"], "client_secret": key["secret"]}
    answers = [
        ask(anyone, **grant, **in_form),
        anyone.post("/oauth/token", data=grant, headers=basic(key)),
        anyone.post("/oauth/token", data=grant | {"scope": "read"}, headers=basic(key)),
    ]

    bought = [expect(it, 200) for it in answers]

    assert [it["scope"] for it in bought] == ["write", "write", "read"]
    assert all("refresh_token" not in it for it in bought)
    writer, _, reader = (service.client(it["access_token"]) for it in bought)
    assert expect(reader.get("/v1/me"), 200)["userId"] == ann.id
    expect(writer.patch("/v1/me", json={}), 200)
    assert refused(reader.patch("/v1/me", json={}), 403, "forbidden")["neededScope"] == "write"
    refused(writer.get("/v1/me/sessions"), 403, "forbidden")
    assert ann.http.delete(f"/v1/api-keys/{key['keyId']}").status_code == 204
    refused(writer.get("/v1/me"), 401, "unauthenticated")
    wrong(ask(anyone, **grant, **in_form), "invalid_client", 401)


def test_what_a_key_bought_buys_nothing_more(anyone, key):
    grant = {"grant_type": "client_credentials"}
    bought = expect(anyone.post("/oauth/token", data=grant, headers=basic(key)), 200)

    again = basic(key | {"secret": bought["access_token"]})

    wrong(anyone.post("/oauth/token", data=grant, headers=again), "invalid_client", 401)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "x"}, "invalid_request"),
        ({"grant_type": "password", "username": "x", "password": "y"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "drt_x"}, "invalid_grant"),
        ({"grant_type": ["password", "password"]}, "invalid_request"),
        ({f"x{n}": "" for n in range(30)}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_named(anyone, form, error):
    wrong(anyone.post("/oauth/token", data=form), error)


def test_a_body_that_is_no_form(anyone):
    form = b"grant_type=password"
    for body, kind in (
        (json.dumps({"grant_type": "password"}).encode(), "application/json"),
        (form, "text/plain"),
        (b"\xff\xfe=x", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ):
        answer = anyone.post("/oauth/token", content=body, headers={"Content-Type": kind})
        wrong(answer, "invalid_request")


def test_clients_that_are_none(anyone, key, ann):
    grant = {"grant_type": "client_credentials"}
    other = expect(ann.http.post("/v1/api-keys", json={"name": "x", "scopes": ["read"]}), 201)
    for headers in (
        {},
        {"Authorization": "Basic ???"},
        {"Authorization": "Bearer x"},
        basic(key | {"secret": "drk_x"}),
        basic(key | {"keyId": other["keyId"]}),
        basic(key | {"keyId": "key_x"}),
        basic(key | {"secret": ann.tokens["accessToken"]}),
    ):
        answer = anyone.post("/oauth/token", data=grant, headers=headers)
        wrong(answer, "invalid_client", 401)
        assert answer.headers["www-authenticate"].startswith("Basic ")
    for scope in ("admin", "person", "everything", "read everything"):
        answer = anyone.post("/oauth/token", data=grant | {"scope": scope}, headers=basic(key))
        wrong(answer, "invalid_scope")
    twice = grant | {"client_secret": key["secret"]}
    wrong(anyone.post("/oauth/token", data=twice, headers=basic(key)), "invalid_request")


def test_20_refreshes_at_once_leave_one_living_head_or_none(service, ann, anyone):
    bought = expect(ask(anyone, grant_type="password", username=ann.email, password=PASSWORD), 200)
    form = {"grant_type": "refresh_token", "refresh_token": bought["refresh_token"]}

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: ask(anyone, **form), range(20)))

    won = [it.json() for it in answers if it.is_success]
    for lost in (it for it in answers if not it.is_success):
        wrong(lost, "invalid_grant")
    living = [
        it
        for it in won
        if ask(anyone, grant_type="refresh_token", refresh_token=it["refresh_token"]).is_success
    ]
    assert len(living) <= len(won) <= 1


def published(service, address):
    with coming_from(service, address) as http:
        keys = expect(http.get("/.well-known/jwks.json"), 200)["keys"]
    return [key["kid"] for key in keys]


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


def test_a_new_key_signs_and_after_a_leak_no_other_is_believed(strict):
    """In all three processes, without a restart."""
    old = Person(strict, "old")

    listed = strict.run("keys", "rotate-tokens", "--now", "--json")
    (made,) = json.loads(listed.stdout)

    addresses = (f"127.0.1.{n}" for n in itertools.count(1))

    def everywhere():
        """Each on a connection of its own; so many that no process is left out."""
        address = next(addresses)
        answers = [published(strict, address) for _ in range(30)]
        return answers == [[made["key_id"]]] * 30

    eventually(everywhere, within=20)
    refused(old.http.get("/v1/me"), 401, "unauthenticated")
    fresh = {"refreshToken": old.tokens["refreshToken"]}
    renewed = expect(strict.client().post("/v1/auth/refresh", json=fresh), 200)["accessToken"]
    assert kid(renewed) == made["key_id"] != kid(old.tokens["accessToken"])
    assert expect(strict.client(renewed).get("/v1/me"), 200)["userId"] == old.id
    shown = strict.run("keys", "list-tokens").stdout.splitlines()
    assert ["ended" in shown[0], "signing" in shown[1]] == [True, True]
