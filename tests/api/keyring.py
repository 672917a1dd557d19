"""What only the service could have signed, and what only looks so: for the authorization matrix."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.data_folder import DataFolder
from adapters.signed_urls import HmacUrls
from adapters.url_keys import UrlKeys
from bootstrap import Core, signing_keys
from domain.ids import from_text, to_text
from settings import load
from tests.people import expect
from tests.service import Service


class Keyring:
    """Its keys, as they are now."""

    def __init__(self, service: Service) -> None:
        self._service = service
        core = Core(load(DataFolder(service.data).endpoints()))
        self._tokens, self._urls = signing_keys(core), UrlKeys(core.database, core.key)

        async def loaded() -> None:
            async with core.opened():
                await self._tokens.load()
                await self._urls.load()

        asyncio.run(loaded())

    def expired_and_forged(self, token: str) -> tuple[str, str]:
        """The same, but of an hour ago; and signed with another key."""
        ours, header = self._tokens.ring(), jwt.get_unverified_header(token)
        said = jwt.decode(token, options={"verify_signature": False})
        late = said | {"iat": said["iat"] - 3_600, "exp": said["exp"] - 3_600}
        headers = {name: header[name] for name in ("typ", "kid")}
        still = jwt.encode(said, ours.signing, "EdDSA", headers=headers)
        expect(self._service.client(still).get("/v1/me"), 200)  # so only the time is wrong
        return (
            jwt.encode(late, ours.signing, "EdDSA", headers=headers),
            jwt.encode(said, Ed25519PrivateKey.generate(), "EdDSA", headers=headers),
        )

    def link(self, kind: str, id: str, share: str, *, days: int, forged: bool) -> dict[str, str]:
        """The query of a share link that ends in so many days."""
        found = from_text({"image": "img", "album": "alb"}[kind], id)
        assert found
        ends = datetime.now(UTC) + timedelta(days=days)
        signer = HmacUrls(self._urls.ring)
        signed = signer.sign(f"share:{found.hex}", {"share": share}, ends, ends)
        query = dict(httpx.URL(signed.url).params)
        query |= {"share": to_text("shr", uuid4())} if forged else {}
        return query | ({"album": id} if kind == "album" else {})
