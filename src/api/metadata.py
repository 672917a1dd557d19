"""What a file says of itself, as much of it as the asker may know."""

from typing import Any

from litestar import get
from litestar.params import FromPath

from api.identity import AnyRequest, MaybeCaller
from api.parts import Given
from api.seeing import described
from projections.gallery import Exhibit

MAKERS = (
    "apple", "canon", "casio", "dji", "fujifilm", "google", "gopro", "hasselblad", "htc", "huawei",
    "kodak", "konica", "leica", "lg", "minolta", "motorola", "nikon", "nokia", "olympus", "oneplus",
    "om digital", "oppo", "panasonic", "pentax", "phase one", "polaroid", "realme", "ricoh",
    "samsung", "sigma", "sony", "vivo", "xiaomi", "zeiss",
)  # fmt: skip
"""A camera's name is shown to everybody only if it is a camera's: the field holds any text."""


@get(
    ["/v1/images/{id:str}/metadata", "/images/{id:str}/metadata"],
    tags=["images"],
    summary="EXIF, IPTC, XMP, colour profile and details",
)
async def metadata(
    request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
) -> dict[str, Any]:
    exhibit = await described(request, parts, maybe_caller, id)
    card = exhibit.card
    found = await parts.prints.metadata(card.id) or {}
    owner = await parts.accounts.find(card.owner_id)
    if maybe_caller != card.owner_id:
        found = public(found)
    keep_gps = owner is not None and owner.keep_gps
    return {
        "exif": found.get("exif", {}),
        "iptc": found.get("iptc", {}),
        "xmp": found.get("xmp", {}),
        "colorProfile": found.get("color_profile"),
        "orientation": found.get("orientation", 1),
        "takenAt": found.get("taken_at"),
        "gps": found.get("gps") if keep_gps else None,
        **_details(exhibit),
    }


def _details(exhibit: Exhibit) -> dict[str, Any]:
    card = exhibit.card
    assert card.format is not None
    return {
        "title": card.title,
        "description": card.description,
        "tags": card.tags,
        "custom": card.custom,
        "filename": card.filename,
        "format": card.format.value,
        "contentType": card.format.content_type,
        "width": card.width,
        "height": card.height,
        "frames": card.frames,
        "size": card.size,
        "checksum": f"sha256:{card.checksum}",
        "processing": exhibit.print is None,
    }


def public(found: dict[str, Any]) -> dict[str, Any]:
    """Without what people wrote into the file: figures, moments, and the names of cameras."""
    exif = found.get("exif", {})
    made = str(exif.get("Make", exif.get("LensMake", ""))).lower()
    camera = {"Make", "Model", "LensMake", "LensModel"} if made.startswith(MAKERS) else set()
    shown = {
        name: value
        for name, value in exif.items()
        if not isinstance(value, str) or name in camera or name.startswith("DateTime")
    }
    return found | {"exif": shown, "iptc": {}, "xmp": {}}
