"""Access tokens: ours verify, and nothing else does (RFC 8725)."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.tokens import JwtTokens
from commands.ports import Claims, Session
from domain.ids import AccountId, to_text
from domain.refusals import Unauthenticated

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()
ISSUER = "https://darkroom.example"
ANN = AccountId(uuid4())


def tokens(**changed: Any) -> JwtTokens:
    settings = {"issuer": ISSUER, "lifetime": 900, "now": lambda: datetime.now(UTC)}
    return JwtTokens("k1", KEY, **(settings | changed))


OURS = tokens()
SESSION = Session(account_id=ANN, family=uuid4(), refresh_token="drt_x")
TOKEN, _ = OURS.issue(SESSION)
CLAIMS = jwt.decode(TOKEN, PUBLIC, algorithms=["EdDSA"], audience="darkroom")
HEADERS = {"typ": "at+jwt", "kid": "k1"}


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
        assert ours.verify(TOKEN) == Claims(account_id=ANN, session_id=SESSION.family)


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forgery_does_not(how):
    with pytest.raises(Unauthenticated):
        OURS.verify(FORGERIES[how]())


def test_the_published_keys_verify_them():
    (key,) = OURS.jwks()["keys"]

    claims = jwt.decode(TOKEN, jwt.PyJWK(key), algorithms=["EdDSA"], audience="darkroom")

    assert claims["sub"] == to_text("u", ANN)
    assert "d" not in key, "the private part stays here"
    assert jwt.get_unverified_header(TOKEN)["kid"] == key["kid"]
