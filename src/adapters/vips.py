"""Pixels, in the child: proof by decoding, the ladder from one decode, single renderings."""

import base64
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import pillow_heif
import pyvips
from msgspec.structs import replace
from PIL import ImageCms

from adapters import headers, metadata
from adapters.recipe import RECIPE
from adapters.scrub import scrubbed
from adapters.thumbhash import thumbhash
from commands.ports import Derivative, Development
from domain.media import Caps, Content, Format, Rung
from domain.refusals import CorruptImage, FileTooLarge, Refusal, UnsupportedFormat
from domain.uploads import Arrived

LADDER = (Rung.LARGE, Rung.MEDIUM, Rung.SMALL, Rung.THUMB)
AHEAD = (Format.WEBP, Format.JPEG)
AHEAD_OF = {Format.PNG: (Format.PNG, *AHEAD)}
"""What has sharp edges and no loss keeps them."""
HASHED_SIDE = 48

Image = Any  # pyvips makes its methods at run time

_SAVE: dict[Format, tuple[str, dict[str, Any]]] = {
    Format.WEBP: ("webpsave_buffer", {"Q": 80, "effort": 3}),
    Format.JPEG: ("jpegsave_buffer", {"Q": 82, "optimize_coding": True, "interlace": True}),
    Format.PNG: ("pngsave_buffer", {"compression": 6}),
    Format.AVIF: ("heifsave_buffer", {"Q": 55, "compression": "av1", "effort": 3}),
    Format.GIF: ("gifsave_buffer", {"effort": 1}),
}
MOVING = {Format.WEBP: 48_000_000, Format.GIF: 24_000_000}
"""Pixels over all frames that are encoded as an animation: of noise, WebP takes 0.13 s of CPU and
GIF 0.5 s for a million. What has more stands still."""
_PROOF: dict[Format, dict[str, int]] = {Format.JPEG: {"shrink": 8}}
"""Reading its coefficients is where a JPEG fails, and for an eighth of its size all are read."""


def prepare() -> None:
    """Once in a child's life: no caches, no loaders but the proven ones."""
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    pyvips.block_untrusted_set(True)
    pillow_heif.options.DECODE_THREADS = 1
    versions = (pyvips.version(0), pyvips.version(1), pyvips.version(2))
    assert versions >= (8, 18, 3), f"libvips {versions} has known overflows"
    heif = tuple(int(part) for part in pillow_heif.libheif_version().split("."))
    assert heif >= (1, 22, 1), f"libheif {heif} has known overflows"


def inspect(path: Path, caps: Caps) -> Arrived:
    """Prove that the file is an image within the caps. Raises the refusal that says why not."""
    size = path.stat().st_size
    if size > caps.file_bytes:
        raise FileTooLarge(limitBytes=caps.file_bytes, requestedBytes=size)
    if not size:
        raise UnsupportedFormat
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        format = headers.format_of(data[: headers.HEAD])
        if format is Format.JPEG:
            headers.check_scans(data, caps)
        headers.check_whole(data, format)
        with ThreadPoolExecutor(1) as beside:  # neither hashing nor decoding holds the GIL
            digest = beside.submit(hashlib.sha256, data)
            width, height, frames = _proven(path, format, caps)
            checksum = digest.result().hexdigest()
    content = Content(checksum=checksum, width=width, height=height, frames=frames)
    return Arrived(format=format, size=size, content=content)


def develop(path: Path) -> Development:
    """Every print of one original, from one decode."""
    data = path.read_bytes()
    format = headers.format_of(data[: headers.HEAD])
    opened = _whole(path, format)
    moves = format in MOVING and _frames(opened) > 1
    wanted = [Format.WEBP] if moves else AHEAD_OF.get(format, AHEAD)
    derivatives, smallest = _ladder(path, format, wanted, opened)
    return Development(
        recipe=RECIPE,
        placeholder=base64.b64encode(_hash(smallest)).decode(),
        metadata=_metadata(opened),
        derivatives=derivatives,
        alpha=opened.hasalpha(),
        scrubbed=scrubbed(data),
    )


def render(path: Path, rung: Rung, format: Format) -> Derivative:
    """One derivative, from the original."""
    with path.open("rb") as file:
        source = headers.format_of(file.read(headers.HEAD))
    moves = source in MOVING and _moves(_opened(path), rung, format)
    return _saved(_rung(path, source, rung, moves=moves).copy_memory(), rung, format)


def scrub(path: Path) -> bytes | None:
    return scrubbed(path.read_bytes())


def _proven(path: Path, format: Format, caps: Caps) -> tuple[int, int, int]:
    """Upright width and height, and frames, after the last pixel was decoded."""
    if format is Format.HEIC:
        file = pillow_heif.open_heif(path)
        width, height = file[file.primary_index].size
        headers.check_size(width, height, 1, caps)
        image = _heic(path)
        return image.width, image.height, 1
    first = _opened(path)
    frames = _frames(first) if format in MOVING else 1
    headers.check_size(first.width, first.height, frames, caps)
    options = {"n": frames} if frames > 1 else _PROOF.get(format, {})
    _opened(path, **options).avg()
    return *_upright(first), frames


def _opened(path: Path, **options: int) -> Image:
    """Opening proves nothing: what is broken shows when pixels are asked for."""
    return pyvips.Image.new_from_file(str(path), access="sequential", fail_on="error", **options)


def _whole(path: Path, format: Format) -> Image:
    return _heic(path) if format is Format.HEIC else _opened(path)


def _heic(path: Path) -> Image:
    """HEVC, decoded by libheif: the wheel of libvips has no decoder for it."""
    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    found = file[file.primary_index]
    picture = found.to_pillow()
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if "A" in picture.mode else "RGB")
    bands = len(picture.getbands())
    image = pyvips.Image.new_from_memory(
        picture.tobytes(), picture.width, picture.height, bands, "uchar"
    ).copy(interpretation="b-w" if bands == 1 else "srgb")
    for field, key in (
        ("icc-profile-data", "icc_profile"),
        ("exif-data", "exif"),
        ("xmp-data", "xmp"),
    ):
        if isinstance(value := found.info.get(key), bytes) and value:
            image.set_type(pyvips.GValue.blob_type, field, value)
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image


def _upright(image: Image) -> tuple[int, int]:
    """Width and height, as shown."""
    turned = _orientation(image) in (5, 6, 7, 8)
    return (image.height, image.width) if turned else (image.width, image.height)


def _moves(first: Image, rung: Rung, format: Format) -> bool:
    """Whether an animation is still one on that rung, in that format."""
    width, height = rung.fit(*_upright(first))
    frames = _frames(first)
    return frames > 1 and frames * width * height <= MOVING.get(format, 0)


def _frames(image: Image) -> int:
    return int(image.get("n-pages")) if image.get_typeof("n-pages") else 1


def _orientation(image: Image) -> int:
    found = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    return found if 1 <= found <= 8 else 1


def _rung(
    path: Path, format: Format, rung: Rung, whole: Image = None, *, moves: bool = False
) -> Image:
    """The original at most as large as the rung, upright, in 8 bit, in a screen's colours."""
    whole = _whole(path, format) if whole is None else whole
    width, height = rung.fit(*_upright(whole))
    size = {"height": height, "size": "force"}
    if format is Format.HEIC:
        return _on_screen(whole.thumbnail_image(width, **size))
    source = f"{path}[n=-1]" if moves else str(path)
    return _on_screen(pyvips.Image.thumbnail(source, width, fail_on="error", **size))


def _ladder(
    path: Path, format: Format, wanted: Sequence[Format], whole: Image = None
) -> tuple[list[Derivative], Image]:
    """Every rung, and the smallest as it was saved. An animation too large to move stands still."""
    whole = _whole(path, format) if whole is None else whole
    moving = [it for it in LADDER if format in MOVING and _moves(whole, it, wanted[0])]
    still = [it for it in LADDER if it not in moving]
    derivatives: list[Derivative] = []
    for rungs, moves in ((still, False), (moving, True)):
        if rungs:
            image = _rung(path, format, rungs[0], whole, moves=moves).copy_memory()
            made, image = _steps(image, rungs, wanted, _upright(whole))
            derivatives += made
    return derivatives, image


def _steps(
    image: Image, rungs: Sequence[Rung], wanted: Sequence[Format], sides: tuple[int, int]
) -> tuple[list[Derivative], Image]:
    """Each rung from the one above; what is no larger than the next is not saved again."""
    made = [_saved(image, rungs[0], kind) for kind in wanted]
    derivatives = list(made)
    for rung in rungs[1:]:
        width, height = rung.fit(*sides)
        if (made[0].width, made[0].height) != (width, height):
            # copied, else a second writer reads its pixels out of order
            image = _fit(image, width, height).copy_memory()
            made = [_saved(image, rung, kind) for kind in wanted]
        derivatives += [replace(it, rung=rung) for it in made]
    return derivatives, image


def _fit(image: Image, width: int, height: int) -> Image:
    return image.thumbnail_image(width, height=height, size="force", no_rotate=True)


def _on_screen(image: Image) -> Image:
    """CMYK and Lab through their profiles to sRGB, 16 bit to 8; RGB profiles are kept."""
    if image.interpretation in ("cmyk", "lab", "labs", "xyz") or (
        image.get_typeof("icc-profile-data") and image.bands not in (1, 2, 3, 4)
    ):
        if image.get_typeof("icc-profile-data"):
            image = image.icc_transform("srgb", embedded=True)
        return image.colourspace("srgb")
    if image.interpretation == "grey16":
        return image.colourspace("b-w")
    return image if image.interpretation in ("srgb", "b-w") else image.colourspace("srgb")


def _saved(image: Image, rung: Rung, format: Format) -> Derivative:
    pages = image.height // image.get("page-height") if image.get_typeof("page-height") else 1
    if format is Format.JPEG and image.hasalpha():
        image = image.flatten(background=[255] * (image.bands - 1))
    if format is Format.GIF:
        image = _without_profile(image)
    method, options = _SAVE[format]
    body = getattr(image, method)(keep="icc", **options)
    return Derivative(
        rung=rung, format=format, width=image.width, height=image.height // pages, body=body
    )


def _without_profile(image: Image) -> Image:
    """For a format that has none: in sRGB, which is what everybody takes it for."""
    if not image.get_typeof("icc-profile-data"):
        return image
    return image.icc_transform("srgb", embedded=True)


def _hash(image: Image) -> bytes:
    page = image.get("page-height") if image.get_typeof("page-height") else image.height
    small = image.crop(0, 0, image.width, page).copy()
    if small.get_typeof("page-height"):
        small.remove("page-height")
    small = small.thumbnail_image(HASHED_SIDE, height=HASHED_SIDE, size="down").colourspace("srgb")
    if not small.hasalpha():
        small = small.addalpha()
    return thumbhash(small.width, small.height, bytes(small.cast("uchar").write_to_memory()))


def _metadata(image: Image) -> Any:
    return metadata.read(
        exif=_blob(image, "exif-data"),
        iptc=_blob(image, "iptc-data"),
        xmp=_blob(image, "xmp-data"),
        color_profile=_profile(_blob(image, "icc-profile-data")),
        orientation=_orientation(image),
    )


def _blob(image: Image, field: str) -> bytes:
    try:
        return bytes(image.get(field)) if image.get_typeof(field) else b""
    except (pyvips.Error, UnicodeDecodeError, TypeError):
        return b""


def _profile(icc: bytes) -> str | None:
    """The description that a colour profile gives of itself."""
    if not icc:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        return metadata.text(ImageCms.getProfileDescription(profile)) or "unnamed"
    except Exception:  # a parser's surprise over somebody's bytes is no reason to fail
        return "unreadable"


def guarded(refusable: Any, *arguments: Any) -> Any:
    """What the pool calls: every accident with a file is a refusal of that file."""
    try:
        return refusable(*arguments)
    except Refusal:
        raise
    except MemoryError as error:
        raise CorruptImage(reason="the image takes too much memory to decode") from error
    except Exception as error:
        raise CorruptImage(reason="the image does not decode") from error
