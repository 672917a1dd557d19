"""Signing in through an OpenID Connect provider that runs in a process of its own."""

import secrets
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.people import PASSWORD, Person, eventually, expect, mailed, refused
from tests.service import TRUST

BEGIN = "/v1/auth/oidc/acme"
RESET = "Choose a new password"


def fresh(name="o"):
    return f"{name}{secrets.token_hex(5)}@acme.example"


@pytest.fixture
def browser(service):
    with httpx.Client(base_url=service.url, verify=TRUST, timeout=60) as http:
        yield http


def returned(browser, login):
    """Where the provider sends the browser back to, once it has recognized the person."""
    begun = browser.get(BEGIN)
    assert begun.status_code == 302
    recognized = httpx.get(begun.headers["location"] + f"&login={login}")
    assert recognized.status_code == 302, recognized.text
    return recognized.headers["location"]


def sign_in(browser, login):
    return browser.get(returned(browser, login))


def profile(service, answer):
    return expect(service.client(expect(answer, 200)["accessToken"]).get("/v1/me"), 200)


def test_the_providers_are_told(anyone, service):
    found = expect(anyone.get("/v1/auth/oidc"), 200)["providers"]
    assert found[0] == {"name": "acme", "url": service.url + BEGIN}
    refused(anyone.get("/v1/auth/oidc/other"), 404, "not_found")
    refused(anyone.get("/v1/auth/oidc/other/callback"), 404, "not_found")


def test_the_question_is_asked_with_pkce_and_the_browser_is_bound_to_it(browser):
    begun = browser.get(BEGIN)

    query = {n: v[0] for n, v in parse_qs(urlsplit(begun.headers["location"]).query).items()}
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 32
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax" in cookie
    assert "Path=/v1/auth/oidc;" in cookie
    assert begun.headers["cache-control"] == "no-store"
    assert query["nonce"] not in cookie


def test_whoever_comes_first_gets_an_account_and_then_the_same_one(service, browser):
    login = fresh()
    answer = sign_in(browser, login)

    first = profile(service, answer)

    assert answer.headers["cache-control"] == "no-store"
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (first["email"], first["username"]) == (login, login.partition("@")[0])
    assert first["emailVerified"] is True
    assert profile(service, sign_in(browser, login))["userId"] == first["userId"]


def test_a_name_that_is_taken_is_no_obstacle(service, browser):
    name = f"taken{secrets.token_hex(4)}"
    taken = profile(service, sign_in(browser, f"{name}@one.example"))

    other = profile(service, sign_in(browser, f"{name}.@two.example"))
    same = profile(service, sign_in(browser, f"{name}+@three.example"))

    assert taken["username"] == name
    assert other["username"] == f"{name}."
    assert same["username"].startswith(f"{name}-")


def test_an_account_is_linked_only_once_it_has_proven_the_address(service, browser, anyone):
    """Else whoever signs up with another's address lies in wait for them."""
    squatter = Person(service, "squatter", fresh())
    refused(sign_in(browser, squatter.email), 409, "email_taken")
    expect(anyone.post("/v1/auth/password-reset", json={"email": squatter.email}), 202)

    token = mailed(service, squatter.email, RESET)
    body = {"token": token, "newPassword": PASSWORD + "!"}
    assert anyone.post("/v1/auth/password-reset/confirm", json=body).status_code == 204

    linked = profile(service, sign_in(browser, squatter.email))
    assert linked["userId"] == squatter.id


@pytest.mark.parametrize(
    "wrong",
    [
        *("nonce", "issuer", "audience", "party", "expired", "none", "shared", "kid", "key"),
    ],
)
def test_a_token_that_is_wrong_signs_nobody_in(browser, wrong):
    refused(sign_in(browser, f"{fresh()}!{wrong}"), 401, "unauthenticated")


@pytest.mark.parametrize("how", ["unverified", "text"])
def test_an_address_that_the_provider_does_not_vouch_for_opens_no_account(browser, how):
    refused(sign_in(browser, f"{fresh()}!{how}"), 403, "forbidden")


def test_an_answer_is_good_once_and_for_the_browser_that_asked(service, browser, anyone):
    back = returned(browser, fresh())

    refused(anyone.get(back), 401, "unauthenticated")
    kept = dict(browser.cookies)
    expect(browser.get(back), 200)
    with httpx.Client(base_url=service.url, cookies=kept, verify=TRUST) as again:
        refused(again.get(back), 401, "unauthenticated")


def test_another_question_is_not_answered_by_it(service, browser):
    mine, login = returned(browser, fresh()), fresh()
    with httpx.Client(base_url=service.url, verify=TRUST) as victim:
        victim.get(BEGIN)
        refused(victim.get(mine), 401, "unauthenticated")
    back = returned(browser, login)
    for changed in (
        back.replace("state=", "state=x"),
        back.replace("code=", "code=x"),
        back.partition("?")[0],
        back.replace("iss=", "iss=x"),
    ):
        refused(browser.get(changed), 401, "unauthenticated")
    for cookie in ("", "x", "AAAA" * 20, "💥".encode().decode("latin-1")):
        headers = {"Cookie": f"darkroom_sign_in={cookie}".encode("latin-1")}
        with httpx.Client(base_url=service.url, verify=TRUST) as http:
            refused(http.get(back, headers=headers), 401, "unauthenticated")


def test_a_provider_that_is_down_is_503(anyone):
    answer = anyone.get("/v1/auth/oidc/down")
    refused(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


def test_the_suspended_do_not_come_in_by_another_door(service, browser, admin):
    login = fresh()
    user = profile(service, sign_in(browser, login))
    why = {"reason": "because"}
    expect(admin.http.post(f"/v1/admin/users/{user['userId']}/suspend", json=why), 200)

    refused(sign_in(browser, login), 403, "account_suspended")


def test_an_erased_account_leaves_its_identity_free(service, browser, anyone):
    login = fresh()
    answer = expect(sign_in(browser, login), 200)
    http = service.client(answer["accessToken"])
    before = expect(http.get("/v1/me"), 200)
    expect(anyone.post("/v1/auth/password-reset", json={"email": login}), 202)
    body = {"token": mailed(service, login, RESET), "newPassword": PASSWORD}
    assert anyone.post("/v1/auth/password-reset/confirm", json=body).status_code == 204
    login_body = {"email": login, "password": PASSWORD}
    http = service.client(
        expect(anyone.post("/v1/auth/login", json=login_body), 200)["accessToken"]
    )
    expect(http.request("DELETE", "/v1/me", json={"password": PASSWORD}), 202)

    eventually(lambda: sign_in(browser, login).status_code == 200, within=10)

    assert profile(service, sign_in(browser, login))["userId"] != before["userId"]
