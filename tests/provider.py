"""A small OpenID Connect provider, as a process of its own: `python -m tests.provider PORT`.

Whoever comes is taken for the person that `login` names, and recognized at once. Some logins make
it misbehave, as a thief or a broken provider would.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "darkroom", "s3cret:/+"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
THIEFS = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    codes: dict[str, dict[str, str]] = {}

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            self.answer(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/jwks",
                }
            )
        elif url.path == "/jwks":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            self.answer({"keys": [key | {"kid": "k1", "use": "sig", "alg": "RS256"}]})
        else:
            self.authorize({name: values[0] for name, values in parse_qs(url.query).items()})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        form = {n: v[0] for n, v in parse_qs(self.rfile.read(length).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or self.headers["Authorization"] != f"Basic {given}"
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            self.answer({"error": "invalid_grant"}, 400)
            return
        self.answer({"access_token": "x", "token_type": "Bearer", "id_token": self.token(asked)})

    def authorize(self, asked: dict[str, str]) -> None:
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def token(self, asked: dict[str, str]) -> str:
        login, _, wrong = asked["login"].partition("!")
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": login.partition("@")[0],
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": asked["nonce"],
            "email": login,
            "email_verified": True,
            "preferred_username": login,
        }
        claims |= {
            "nonce": {"nonce": "another"},
            "issuer": {"iss": "http://evil.example"},
            "audience": {"aud": "another"},
            "party": {"aud": [CLIENT, "another"], "azp": "another"},
            "expired": {"exp": int(time.time()) - 300},
            "unverified": {"email_verified": False},
            "text": {"email_verified": "true"},
        }.get(wrong, {})
        if wrong == "none":
            return jwt.encode(claims, None, "none", headers={"kid": "k1"})
        if wrong == "shared":
            return jwt.encode(claims, SECRET * 8, "HS256", headers={"kid": "k1"})
        if wrong == "kid":
            return jwt.encode(claims, KEY, "RS256", headers={"kid": "k2"})
        key = THIEFS if wrong == "key" else KEY
        return jwt.encode(claims, key, "RS256", headers={"kid": "k1"})

    def answer(self, document: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
