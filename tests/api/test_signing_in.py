"""Tokens over HTTP: what opens the door, and everything that does not."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.data_folder import DataFolder
from adapters.keys import InstanceKey
from adapters.tokens import JwtTokens, Ring, key_id
from commands.sessions import Session
from domain.ids import AccountId, SessionId, from_text
from settings import load
from tests.people import PASSWORD, expect, refused


def log_in(person):
    credentials = {"email": person.email, "password": PASSWORD}
    return expect(person.service.client().post("/v1/auth/login", json=credentials), 200)


def refresh(http, token):
    return http.post("/v1/auth/refresh", json={"refreshToken": token})


def me(service, token):
    with service.client() as http:
        return http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})


def ring_of(service):
    """The first key of an installation, as whoever has its instance key can make it."""
    instance = InstanceKey(load(DataFolder(service.data).endpoints()).instance_key)
    key = Ed25519PrivateKey.from_private_bytes(instance.derived("tokens"))
    return Ring(current=key_id(key.public_key()), signing=key, verifying={})


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_credentials_buy_tokens(ann, anyone):
    for email in (ann.email, ann.email.upper()):
        answer = anyone.post("/v1/auth/login", json={"email": email, "password": PASSWORD})

        tokens = expect(answer, 200)
        assert set(tokens) == {"accessToken", "refreshToken", "expiresIn", "tokenType"}
        assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", 900)
        assert answer.headers["cache-control"] == "no-store"
        assert me(ann.service, tokens["accessToken"]).json()["userId"] == ann.id


def test_an_unknown_address_and_a_wrong_password_answer_the_same(ann, anyone):
    wrong = anyone.post("/v1/auth/login", json={"email": ann.email, "password": "wrong"})
    unknown = anyone.post("/v1/auth/login", json={"email": "x@example.org", "password": "wrong"})
    no_address = anyone.post("/v1/auth/login", json={"email": "x", "password": "\0"})

    refused(wrong, 401, "unauthenticated")
    assert wrong.json() == unknown.json() == no_address.json()
    told = [dict(answer.headers) | {"date": "", "x-request-id": ""} for answer in (wrong, unknown)]
    assert told[0] == told[1]


def test_the_scheme_has_no_case(service, ann):
    token = ann.tokens["accessToken"]
    with service.client() as http:
        for scheme in ("Bearer", "bearer", "BEARER"):
            expect(http.get("/v1/me", headers={"Authorization": f"{scheme} {token}"}), 200)
        for header in (token, f"Basic {token}", f"Bearer{token}", "Bearer", ""):
            answer = http.get("/v1/me", headers={"Authorization": header})
            refused(answer, 401, "unauthenticated")


def test_bad_credentials_are_refused_where_none_are_needed(anyone, public):
    """A reader whose token has expired must learn it, not silently see less."""
    for path in ("/v1/images", public["url"], f"/v1/images/{public['imageId']}"):
        expect(anyone.get(f"/v1/images/{public['imageId']}"), 200)
        answer = anyone.get(path, headers={"Authorization": "Bearer nonsense"})
        refused(answer, 401, "unauthenticated")


def test_refreshing_rotates(ann, anyone):
    tokens = log_in(ann)

    for _ in range(3):
        fresh = expect(refresh(anyone, tokens["refreshToken"]), 200)
        assert fresh["refreshToken"] != tokens["refreshToken"]
        assert me(ann.service, fresh["accessToken"]).status_code == 200
        tokens = fresh


def test_a_dead_refresh_token_kills_its_family_and_no_other(ann, anyone):
    stolen, other = log_in(ann), log_in(ann)
    heir = expect(refresh(anyone, stolen["refreshToken"]), 200)

    refused(refresh(anyone, stolen["refreshToken"]), 401, "unauthenticated")

    refused(refresh(anyone, heir["refreshToken"]), 401, "unauthenticated")
    expect(refresh(anyone, other["refreshToken"]), 200)


def test_logging_out_ends_the_session_and_no_other(ann, anyone):
    session, other = log_in(ann), log_in(ann)

    for _ in range(2):
        answer = anyone.post("/v1/auth/logout", json={"refreshToken": session["refreshToken"]})
        assert (answer.status_code, answer.content) == (204, b"")

    refused(refresh(anyone, session["refreshToken"]), 401, "unauthenticated")
    expect(refresh(anyone, other["refreshToken"]), 200)


def test_one_kind_of_token_is_not_the_other(ann, anyone):
    tokens = log_in(ann)

    refused(me(ann.service, tokens["refreshToken"]), 401, "unauthenticated")
    for token in (tokens["accessToken"][:200], "", "drt_unknown", "💥"):
        refused(refresh(anyone, token), 401, "unauthenticated")


def test_a_token_that_was_touched_is_none(service, ann):
    token = ann.tokens["accessToken"]
    header, payload, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    ours = jwt.get_unverified_header(token)
    theirs = Ed25519PrivateKey.generate()
    forgeries = [
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{encoded(claims | {'sub': 'u_' + '0' * 26})}.{signature}",
        f"{header}.{payload}.{encoded(bytes(64))}",
        f"{encoded(ours | {'alg': 'none'})}.{payload}.",
        f"{encoded(ours | {'alg': 'none'})}.{payload}.{signature}",
        f"{encoded(ours | {'typ': 'JWT'})}.{payload}.{signature}",
        f"{encoded(ours | {'kid': 'other'})}.{payload}.{signature}",
        jwt.encode(claims, theirs, "EdDSA", headers=ours),
        jwt.encode(claims, "secret" * 8, "HS256", headers={"typ": "at+jwt"}),
        token + "x",
        "..",
        "a.b.c",
        token * 10,
    ]

    for forgery in forgeries:
        refused(me(service, forgery), 401, "unauthenticated")
    assert me(service, token).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 200),
        ({"now": lambda: datetime.now(UTC) - timedelta(seconds=902)}, 401),
        ({"now": lambda: datetime.now(UTC) + timedelta(hours=1)}, 401),
        ({"issuer": "http://elsewhere.example"}, 401),
    ],
)
def test_our_own_key_signs_for_here_and_now_only(service, ann, changed, status):
    ring = ring_of(service)
    settings = {"issuer": service.url, "lifetime": 900, "now": lambda: datetime.now(UTC)}
    claims = jwt.decode(ann.tokens["accessToken"], options={"verify_signature": False})
    session = Session(
        account_id=AccountId(from_text("u", ann.id)),
        family=SessionId(from_text("ses", claims["sid"])),
        refresh_token="",
    )

    token, _ = JwtTokens(lambda: ring, **(settings | changed)).issue(session.claims)

    assert me(service, token).status_code == status


def test_a_token_of_nobody_or_of_another_session_opens_nothing(service, ann, ben):
    ring = ring_of(service)
    tokens = JwtTokens(
        lambda: ring, issuer=service.url, lifetime=900, now=lambda: datetime.now(UTC)
    )
    claims = jwt.decode(ben.tokens["accessToken"], options={"verify_signature": False})
    anns, bens = AccountId(from_text("u", ann.id)), SessionId(from_text("ses", claims["sid"]))
    for account_id, session_id in (
        (AccountId(uuid4()), SessionId(uuid4())),
        (anns, SessionId(uuid4())),
        (anns, bens),
    ):
        session = Session(account_id=account_id, family=session_id, refresh_token="")
        refused(me(service, tokens.issue(session.claims)[0]), 401, "unauthenticated")


def test_anybody_can_verify_our_tokens_with_the_published_keys(ann, anyone):
    answer = anyone.get("/.well-known/jwks.json")

    (key,) = jwt.PyJWKSet.from_dict(expect(answer, 200)).keys
    token = ann.tokens["accessToken"]
    claims = jwt.decode(
        token, key, algorithms=["EdDSA"], audience="darkroom", issuer=ann.service.url
    )
    assert claims["sub"] == ann.id
    assert key.key_id == jwt.get_unverified_header(token)["kid"]
    assert claims["exp"] - claims["iat"] == 900
    assert "d" not in answer.json()["keys"][0], "the private part"
    assert answer.headers["cache-control"].startswith("public")
