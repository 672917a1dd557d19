"""The instance's key, and every key that is derived from it."""

import base64
import hashlib
import hmac
import unicodedata
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap


class InstanceKey:
    """32 bytes from which HKDF (RFC 5869) makes one key for each purpose and generation."""

    def __init__(self, encoded: str) -> None:
        self._secret = base64.b64decode(encoded, validate=True)
        if len(self._secret) != 32:
            raise ValueError("DARKROOM_INSTANCE_KEY must be 32 bytes in base64")
        self._wrapping = self.derived("streams")

    def derived(self, purpose: str, generation: int = 1) -> bytes:
        info = f"darkroom/{purpose}/{generation}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)

    def wrap(self, key: bytes) -> bytes:
        """A stream's key as it may be stored (AES key wrap, RFC 3394)."""
        return aes_key_wrap(self._wrapping, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        return aes_key_unwrap(self._wrapping, wrapped)

    def claim_id(self, kind: str, name: str) -> UUID:
        """The Hasher port: spelling, case and width of a name make no other claim of it."""
        canonical = unicodedata.normalize("NFKC", name).casefold()
        digest = hmac.digest(
            self.derived("claims"), f"{kind}\0{canonical}".encode(), hashlib.sha256
        )
        return UUID(bytes=digest[:16], version=5)  # name-based, though by a keyed hash

    def audit_key(self) -> Ed25519PrivateKey:
        """Signs the seals of the log."""
        return Ed25519PrivateKey.from_private_bytes(self.derived("audit"))
