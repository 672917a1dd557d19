"""What a file says of itself, taken from named fields that decode; everything else stays unread."""

import re
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from PIL import ExifTags, Image

from commands.lab import Metadata, Whereabouts

LONGEST = 500
"""Characters of one value."""
XMP_LONGEST = 256 * 1024

TEXTS = {"ImageDescription", "Artist", "Copyright", "UserComment"}
"""Free text: for the owner's eyes."""
CAMERA = {"Make", "Model", "Software", "LensMake", "LensModel"}
MOMENTS = {"DateTime", "DateTimeOriginal", "DateTimeDigitized", "OffsetTimeOriginal"}
FIGURES = {
    "ExposureTime",
    "FNumber",
    "ISOSpeedRatings",
    "FocalLength",
    "FocalLengthIn35mmFilm",
    "ExposureProgram",
    "ExposureBiasValue",
    "ExposureMode",
    "MeteringMode",
    "Flash",
    "WhiteBalance",
    "ColorSpace",
    "Orientation",
    "XResolution",
    "YResolution",
    "ApertureValue",
    "ShutterSpeedValue",
    "BrightnessValue",
    "DigitalZoomRatio",
    "SceneCaptureType",
    "LightSource",
    "Contrast",
    "Saturation",
    "Sharpness",
}
_NAMED = TEXTS | CAMERA | MOMENTS | FIGURES
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_IPTC = {
    5: "ObjectName",
    25: "Keywords",
    80: "By-line",
    105: "Headline",
    116: "CopyrightNotice",
    120: "Caption-Abstract",
}
_XMP = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{http://purl.org/dc/elements/1.1/}description": "description",
    "{http://purl.org/dc/elements/1.1/}subject": "subject",
    "{http://purl.org/dc/elements/1.1/}creator": "creator",
    "{http://purl.org/dc/elements/1.1/}rights": "rights",
    "{http://ns.adobe.com/xap/1.0/}Rating": "rating",
    "{http://ns.adobe.com/xap/1.0/}Label": "label",
}


def read(
    *, exif: bytes, iptc: bytes, xmp: bytes, color_profile: str | None, orientation: int
) -> Metadata:
    """Never raises for what a file holds: what does not parse is not there."""
    parsed = _exif(exif)
    named = _named(parsed)
    return Metadata(
        exif=named,
        iptc=_iptc(iptc),
        xmp=_xmp(xmp),
        color_profile=color_profile,
        orientation=orientation,
        gps=_place(parsed),
        taken_at=_taken(named),
    )


def _exif(raw: bytes) -> Image.Exif:
    exif = Image.Exif()
    try:
        exif.load(raw)
        exif.get_ifd(ExifTags.IFD.Exif)
        exif.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # a parser's surprise over somebody's bytes is no reason to fail
        return Image.Exif()
    return exif


def _named(exif: Image.Exif) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {}
    for tag, value in [*exif.items(), *exif.get_ifd(ExifTags.IFD.Exif).items()]:
        name = ExifTags.TAGS.get(tag, "")
        if name in _NAMED and (plain := _plain(value)) is not None:
            found[name] = plain
    return found


def _plain(value: Any) -> str | int | float | None:
    """A value that JSON can hold, or None."""
    if isinstance(value, tuple) and value:
        value = value[0]
    if isinstance(value, bytes):
        value = value.removeprefix(b"ASCII\0\0\0").decode("utf-8", "replace")
    if isinstance(value, str):
        return text(value) or None
    if isinstance(value, int):
        return int(value)
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return round(number, 6) if abs(number) < 1e12 else None


def text(value: str) -> str:
    """Without control characters, of bounded length."""
    return _CONTROL.sub(" ", value).strip()[:LONGEST]


def _place(exif: Image.Exif) -> Whereabouts | None:
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    latitude = _degrees(gps.get(2), gps.get(1) == "S", 90)
    longitude = _degrees(gps.get(4), gps.get(3) == "W", 180)
    if latitude is None or longitude is None:
        return None
    altitude = _plain(gps.get(6))
    below = gps.get(5) in (b"\x01", 1)
    height = float(altitude) * (-1 if below else 1) if isinstance(altitude, (int, float)) else None
    return Whereabouts(latitude=latitude, longitude=longitude, altitude=height)


def _degrees(value: Any, negative: bool, limit: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    decimal = degrees + minutes / 60 + seconds / 3600
    if not 0 <= decimal <= limit:  # NaN too
        return None
    return round(-decimal if negative else decimal, 7)


def _taken(exif: dict[str, str | int | float]) -> datetime | None:
    moment = str(exif.get("DateTimeOriginal") or exif.get("DateTime") or "")
    offset = str(exif.get("OffsetTimeOriginal") or "+00:00")
    for zone in (offset, "+00:00"):
        try:
            return datetime.strptime(moment + zone, "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _iptc(raw: bytes) -> dict[str, str | list[str]]:
    """IIM records 2:x, from wherever they begin (photoshop blocks come before them)."""
    found: dict[str, list[str]] = {}
    at = raw.find(b"\x1c\x02")
    while at >= 0 and raw[at : at + 2] == b"\x1c\x02" and at + 5 <= len(raw):
        length = int.from_bytes(raw[at + 3 : at + 5], "big")
        if name := _IPTC.get(raw[at + 2]):
            value = text(raw[at + 5 : at + 5 + length].decode("utf-8", "replace"))
            found.setdefault(name, []).append(value)
        at += 5 + length
    return _single(found)


def _xmp(raw: bytes) -> dict[str, str | list[str]]:
    """Named properties only; entity declarations are refused before any parser sees them."""
    begin, end = raw.find(b"<x:xmpmeta"), raw.rfind(b"</x:xmpmeta>")
    packet = raw[begin : end + 12]
    if begin < 0 or end < 0 or len(packet) > XMP_LONGEST or b"<!" in packet:
        return {}
    try:
        root = ElementTree.fromstring(packet)  # noqa: S314 - no declarations, bounded, in a sandbox
    except ElementTree.ParseError:
        return {}
    found: dict[str, list[str]] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            if key in _XMP:
                found.setdefault(_XMP[key], []).append(text(value))
        if element.tag in _XMP:
            words = [text(part) for part in element.itertext()]
            found.setdefault(_XMP[element.tag], []).extend(word for word in words if word)
    return _single(found)


def _single(found: dict[str, list[str]]) -> dict[str, str | list[str]]:
    lists = ("Keywords", "subject")
    return {
        name: values[:100] if name in lists else values[0]
        for name, values in found.items()
        if values
    }
