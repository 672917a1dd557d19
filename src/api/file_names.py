"""Names that every file system takes, each once: nobody's file overwrites another, or leaves."""

import re
import unicodedata

LONGEST = 120
"""Bytes; file systems take 255, and somebody may want to add something."""
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,5}\Z")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


class Names:
    """Of one folder."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def new(self, wanted: str, extension: str) -> str:
        """As near as can be to the file name that somebody chose; the extension tells the truth."""
        stem = _stem(wanted)
        while True:
            key = unicodedata.normalize("NFKC", stem).casefold()
            number = self._taken[key] = self._taken.get(key, 0) + 1
            if number == 1:
                return f"{stem}.{extension}"
            numbered = f"{stem} ({number})"
            if unicodedata.normalize("NFKC", numbered).casefold() not in self._taken:
                stem = numbered


def _stem(wanted: str) -> str:
    name = unicodedata.normalize("NFC", wanted)
    stem = _FORBIDDEN.sub("_", _EXTENSION.sub("", name))
    stem = "".join(c for c in stem if unicodedata.category(c) not in ("Cs", "Cn", "Co"))
    stem = stem.encode()[:LONGEST].decode(errors="ignore").strip(" .") or "image"
    return f"_{stem}" if _RESERVED.match(stem) else stem
