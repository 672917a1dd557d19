"""Passwords changed and forgotten, addresses proven, second factors: over HTTP, with real mail."""

import base64
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from domain import totp
from tests.people import PASSWORD, Person, expect, mailed, refused

NEW = "another horse battery"


@pytest.fixture
def owner(service):
    return Person(service, "person")


def log_in(person, password=PASSWORD, **more):
    body = {"email": person.email, "password": password} | more
    return person.service.client().post("/v1/auth/login", json=body)


def code(secret, seconds=0):
    raw = base64.b32decode(secret)
    return totp.code(raw, totp.step(datetime.now(UTC) + timedelta(seconds=seconds)))


def test_a_changed_password_ends_all_other_sessions(owner):
    other = expect(log_in(owner), 200)
    change = {"password": PASSWORD, "newPassword": NEW}
    refused(
        owner.http.put("/v1/me/password", json=change | {"password": "no"}), 401, "unauthenticated"
    )
    refused(
        owner.http.put("/v1/me/password", json=change | {"newPassword": "short"}), 422, "validation"
    )

    assert owner.http.put("/v1/me/password", json=change).status_code == 204

    expect(owner.http.get("/v1/me"), 200)
    refused(owner.service.client(other["accessToken"]).get("/v1/me"), 401, "unauthenticated")
    refresh = {"refreshToken": other["refreshToken"]}
    refused(owner.http.post("/v1/auth/refresh", json=refresh), 401, "unauthenticated")
    refused(log_in(owner), 401, "unauthenticated")
    expect(log_in(owner, NEW), 200)
    events = expect(owner.http.get("/v1/me/history"), 200)["events"]
    assert events[-1]["type"] == "account.password-changed"


def test_whoever_reads_the_mail_confirms_the_address_once(owner, anyone):
    assert expect(owner.http.get("/v1/me"), 200)["emailVerified"] is False
    token = mailed(owner.service, owner.email, "Is this your address?")

    assert anyone.post("/v1/auth/verify-email", json={"token": token}).status_code == 204

    assert expect(owner.http.get("/v1/me"), 200)["emailVerified"] is True
    for spent in (token, "drm_x", ""):
        answer = anyone.post("/v1/auth/verify-email", json={"token": spent})
        refused(answer, 422, "token_spent")


def test_the_mail_can_be_asked_for_again(owner):
    expect(owner.http.post("/v1/me/verification"), 202)


def test_a_forgotten_password_is_replaced_by_a_mailed_link(owner, anyone):
    assert expect(anyone.post("/v1/auth/password-reset", json={"email": owner.email.upper()}), 202)
    token = mailed(owner.service, owner.email, "Choose a new password")
    path = "/v1/auth/password-reset/confirm"
    refused(anyone.post(path, json={"token": token, "newPassword": "short"}), 422, "validation")

    assert anyone.post(path, json={"token": token, "newPassword": NEW}).status_code == 204

    refused(owner.http.get("/v1/me"), 401, "unauthenticated")
    refused(log_in(owner), 401, "unauthenticated")
    fresh = expect(log_in(owner, NEW), 200)
    profile = expect(owner.service.client(fresh["accessToken"]).get("/v1/me"), 200)
    assert profile["emailVerified"], "the mail was read"
    refused(anyone.post(path, json={"token": token, "newPassword": NEW}), 422, "token_spent")


def test_asking_for_a_reset_tells_nothing_about_who_exists(owner, anyone):
    address = f"nobody-{secrets.token_hex(4)}@example.org"
    answers = [
        anyone.post("/v1/auth/password-reset", json={"email": it}) for it in (owner.email, address)
    ]

    assert [it.status_code for it in answers] == [202, 202]
    assert [it.json() for it in answers] == [{"email": owner.email}, {"email": address}]
    for _ in range(4):
        for it in (owner.email, address):
            expect(anyone.post("/v1/auth/password-reset", json={"email": it}), 202)
    for it in (owner.email, address):
        answer = anyone.post("/v1/auth/password-reset", json={"email": it})
        refused(answer, 429, "rate_limited")


def test_the_links_lead_to_pages_that_change_nothing_by_themselves(owner, anyone):
    anyone.post("/v1/auth/password-reset", json={"email": owner.email})
    for page, subject, more in (
        ("verify", "Is this your address?", {}),
        ("reset", "Choose a new password", {"newPassword": NEW}),
    ):
        token = mailed(owner.service, owner.email, subject)
        path = f"/account/{page}"
        shown = anyone.get(path, params={"token": token})
        assert shown.status_code == 200
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert f'value="{token}"' in shown.text
        assert anyone.post(path, data={"token": token} | more).status_code == 200
        spent = anyone.post(path, data={"token": token} | more)
        assert (spent.status_code, "ask for another" in spent.text) == (422, True)

    expect(log_in(owner, NEW), 200)
    hostile = anyone.get("/account/verify", params={"token": '"><script>'})
    assert "<script>" not in hostile.text
    assert anyone.post("/account/reset", content=b"\xff").status_code == 422


def test_a_second_factor_is_asked_for_once_it_has_shown_to_work(owner, anyone):
    path, word = "/v1/me/second-factor", {"password": PASSWORD}
    refused(owner.http.post(path, json={"password": "no"}), 401, "unauthenticated")
    proposed = expect(owner.http.post(path, json=word), 201)
    assert proposed["uri"].startswith("otpauth://totp/Darkroom")
    secret = proposed["secret"]
    expect(log_in(owner), 200)
    refused(owner.http.post(f"{path}/confirm", json={"code": "000000"}), 401, "unauthenticated")
    confirmed = owner.http.post(f"{path}/confirm", json={"code": code(secret, -30)})
    first, second, *_ = expect(confirmed, 200)["recoveryCodes"]
    assert expect(owner.http.get("/v1/me"), 200)["secondFactor"] is True
    refused(owner.http.post(path, json=word), 409, "conflict")

    refused(log_in(owner), 401, "second_factor_required")
    refused(log_in(owner, "wrong", code=code(secret)), 401, "unauthenticated")
    used = code(secret)
    expect(log_in(owner, code=used), 200)
    refused(log_in(owner, code=used), 401, "unauthenticated")
    form = {"grant_type": "password", "username": owner.email, "password": PASSWORD}
    missing = anyone.post("/oauth/token", data=form)
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_grant")
    expect(anyone.post("/oauth/token", data=form | {"otp": first}), 200)
    refused(log_in(owner, code=first), 401, "unauthenticated")

    drop = word | {"code": second}
    refused(owner.http.request("DELETE", path, json=word | {"code": first}), 401, "unauthenticated")
    assert owner.http.request("DELETE", path, json=drop).status_code == 204
    expect(log_in(owner), 200)
    types = [it["type"] for it in expect(owner.http.get("/v1/me/history"), 200)["events"]]
    factors = [it for it in types if "second-factor" in it]
    assert factors[-2:] == ["account.second-factor-enabled", "account.second-factor-disabled"]


def test_no_key_changes_who_may_enter(owner):
    made = expect(owner.http.post("/v1/api-keys", json={"name": "x", "scopes": ["admin"]}), 201)
    robot = owner.service.client(made["secret"])
    for method, path in (
        ("PUT", "/v1/me/password"),
        ("POST", "/v1/me/verification"),
        ("POST", "/v1/me/second-factor"),
        ("POST", "/v1/me/second-factor/confirm"),
        ("DELETE", "/v1/me/second-factor"),
    ):
        problem = refused(robot.request(method, path, json={}), 403, "forbidden")
        assert problem["neededScope"] == "person"
