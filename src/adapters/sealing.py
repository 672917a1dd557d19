"""Sealing what has to be read again by us, and by nobody who reads the database."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Sealer:
    """AES-256-GCM under one key; each piece is bound to its place."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)

    def seal(self, plain: bytes, place: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._key.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        return self._key.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
