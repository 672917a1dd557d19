"""Access tokens: ours verify, and nothing else does (RFC 8725)."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.tokens import JwtTokens, Ring, key_id
from commands.credentials import Claims
from commands.sessions import Session
from domain.access import Scope
from domain.ids import AccountId, KeyId, SessionId, to_text
from domain.refusals import Unauthenticated

KEY = Ed25519PrivateKey.generate()
EARLIER = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()
ISSUER = "https://darkroom.example"
ANN = AccountId(uuid4())


RING = Ring(current="k2", signing=KEY, verifying={"k1": EARLIER.public_key(), "k2": PUBLIC})


def tokens(**changed: Any) -> JwtTokens:
    settings = {"issuer": ISSUER, "lifetime": 900, "now": lambda: datetime.now(UTC)}
    return JwtTokens(lambda: RING, **(settings | changed))


OURS = tokens()
SESSION = Session(account_id=ANN, family=SessionId(uuid4()), refresh_token="drt_x")
TOKEN, _ = tokens(lifetime=86_400).issue(SESSION.claims)  # good for as long as a suite may take
CLAIMS = jwt.decode(TOKEN, PUBLIC, algorithms=["EdDSA"], audience="darkroom")
HEADERS = {"typ": "at+jwt", "kid": "k2"}


def forged(key: Any = KEY, algorithm: str = "EdDSA", headers: Any = None, **claims: Any) -> str:
    given = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    return jwt.encode(given, key, algorithm, headers=HEADERS | (headers or {}))


def assembled(header: Any, payload: Any = CLAIMS, signature: bytes = b"") -> str:
    def part(value: Any) -> str:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    return ".".join(map(part, (header, payload, signature)))


def long_ago(**delta: int) -> int:
    return int((datetime.now(UTC) - timedelta(**delta)).timestamp())


RAW = PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw)
JWK = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(RAW).decode()}
OTHER = Ed25519PrivateKey.generate()

FORGERIES = {
    "alg none": lambda: assembled({"alg": "none", "typ": "at+jwt"}),
    "alg None": lambda: assembled({"alg": "None", "typ": "at+jwt"}),
    "alg nOnE": lambda: assembled({"alg": "nOnE", "typ": "at+jwt"}),
    "signed with the public key as a secret": lambda: forged(RAW, "HS256"),
    "another key": lambda: forged(OTHER),
    "another key, brought along": lambda: forged(OTHER, headers={"jwk": JWK}),
    "another key, linked": lambda: forged(OTHER, headers={"jku": "https://evil.example/k"}),
    "another key, as a certificate": lambda: forged(OTHER, headers={"x5u": "https://evil.example"}),
    "a key id that is a path": lambda: forged(OTHER, headers={"kid": "../../dev/null"}),
    "a key id that is SQL": lambda: forged(OTHER, headers={"kid": "' or 1=1 --"}),
    "a key id that nobody knows": lambda: forged(headers={"kid": "k3"}),
    "no key id": lambda: assembled({"alg": "EdDSA", "typ": "at+jwt"}),
    "another of our keys than it says": lambda: forged(headers={"kid": "k1"}),
    "an unknown critical extension": lambda: forged(headers={"crit": ["x"], "x": True}),
    "another type": lambda: forged(headers={"typ": "JWT"}),
    "no expiry": lambda: forged(exp=None),
    "expired": lambda: forged(exp=long_ago(seconds=1)),
    "not valid yet": lambda: forged(nbf=long_ago(hours=-1)),
    "another audience": lambda: forged(aud="elsewhere"),
    "another issuer": lambda: forged(iss="https://evil.example"),
    "no subject": lambda: forged(sub=None),
    "a subject that is no account": lambda: forged(sub="img_0"),
    "no session": lambda: forged(sid=None),
    "a session that is no id": lambda: forged(sid="../x"),
    "a session and a key": lambda: forged(client_id=to_text("key", uuid4())),
    "a scope that is none": lambda: forged(scope="everything"),
    "no scope": lambda: forged(scope=None),
    "truncated": lambda: TOKEN[:-4],
    "padded": lambda: TOKEN + "=",
    "another's signature": lambda: (
        forged(sub=to_text("u", uuid4())).rpartition(".")[0] + "." + TOKEN.rpartition(".")[2]
    ),
    "a megabyte": lambda: forged(padding="x" * 1_000_000),
    "a refresh token": lambda: SESSION.refresh_token,
    "nothing": lambda: "",
    "no text": lambda: "\0\ud800",
}


def test_ours_verify():
    for ours in (OURS, tokens()):
        assert ours.verify(TOKEN) == SESSION.claims


def test_an_earlier_key_is_believed_for_as_long_as_it_is_on_the_ring():
    token = forged(EARLIER, headers={"kid": "k1"})
    assert OURS.verify(token) == SESSION.claims

    afterwards = msgspec.structs.replace(RING, verifying={"k2": PUBLIC})
    later = JwtTokens(
        lambda: afterwards, issuer=ISSUER, lifetime=900, now=lambda: datetime.now(UTC)
    )
    with pytest.raises(Unauthenticated):
        later.verify(token)


def test_an_api_keys_token_says_so():
    key_id = KeyId(uuid4())
    claims = Claims(account_id=ANN, key_id=key_id, scopes=frozenset({Scope.READ, Scope.WRITE}))

    token, _ = OURS.issue(claims)

    assert OURS.verify(token) == claims
    said = jwt.decode(token, PUBLIC, algorithms=["EdDSA"], audience="darkroom")
    assert (said["scope"], said["client_id"]) == ("read write", to_text("key", key_id))


def test_a_key_id_is_the_keys_thumbprint():
    """The key and the thumbprint of RFC 8037, A.2 and A.3."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))

    assert key_id(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forgery_does_not(how):
    with pytest.raises(Unauthenticated):
        OURS.verify(FORGERIES[how]())


def test_the_published_keys_verify_them():
    _, key = OURS.jwks()["keys"]

    claims = jwt.decode(TOKEN, jwt.PyJWK(key), algorithms=["EdDSA"], audience="darkroom")

    assert claims["sub"] == to_text("u", ANN)
    assert "d" not in key, "the private part stays here"
    assert jwt.get_unverified_header(TOKEN)["kid"] == key["kid"]
