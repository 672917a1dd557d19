"""What makes two bodies the same: a digest taken while they stream by, whatever their size."""

import hashlib

from python_multipart.multipart import parse_options_header


class Fingerprint:
    """SHA-256 over type and body; of a form, over all but its boundary, which no retry repeats."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        self._boundary = options.get(b"boundary", b"")
        self._tail = b""
        self._hash = hashlib.sha256(kind + b"\0")

    def update(self, chunk: bytes) -> None:
        if not self._boundary:
            self._hash.update(chunk)
            return
        *before, rest = (self._tail + chunk).split(self._boundary)
        for piece in before:
            self._hash.update(piece)
            self._hash.update(b"\0")
        hold = len(self._boundary) - 1  # what may be the beginning of one
        cut = max(len(rest) - hold, 0)
        self._hash.update(rest[:cut])
        self._tail = rest[cut:]

    def digest(self) -> bytes:
        self._hash.update(self._tail)
        self._tail = b""
        return self._hash.digest()
