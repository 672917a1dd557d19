"""Pixels, in the child: proof by decoding, the ladder from one decode, single renderings."""

import base64
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import pillow_heif
import pyvips
from msgspec.structs import replace
from PIL import ImageCms

from adapters import headers, metadata
from adapters.opening import (
    ANIMATED,
    Image,
    format_of,
    frames,
    heic,
    on_screen,
    opened,
    orientation,
    thumbnail,
    upright,
    whole,
)
from adapters.recipe import RECIPE
from adapters.saving import encoded, first_page, pages
from adapters.scrub import scrubbed
from adapters.similarity import faithful
from adapters.thumbhash import thumbhash
from adapters.traits import traits
from adapters.transform import Asked, transformed
from commands.lab import Derivative, Development
from domain.media import Caps, Content, Format, Rung
from domain.refusals import CorruptImage, FileTooLarge, Refusal, UnsupportedFormat
from domain.transform import Transform
from domain.uploads import Arrived

LADDER = (Rung.LARGE, Rung.MEDIUM, Rung.SMALL, Rung.THUMB)
AHEAD = (Format.WEBP, Format.JPEG)
AHEAD_OF = {Format.PNG: (Format.PNG, *AHEAD)}
"""What has sharp edges and no loss keeps them."""
MOVING = {Format.WEBP: 48_000_000, Format.GIF: 24_000_000}
"""Pixels over all frames that are encoded as an animation: of noise, WebP takes 0.13 s of CPU and
GIF 0.5 s for a million. What has more stands still."""
HASHED_SIDE = 48

_SHRUNK = 8
"""Reading its coefficients is where a JPEG fails, and for an eighth of its size all are read.
Of what has fewer pixels on a side, libvips says that an eighth is nothing."""


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
    original = whole(path, format)
    moves = format in ANIMATED and frames(original) > 1
    wanted = [Format.WEBP] if moves else AHEAD_OF.get(format, AHEAD)
    derivatives, smallest = _ladder(path, format, wanted, original)
    clean = scrubbed(data)
    return Development(
        recipe=RECIPE,
        placeholder=base64.b64encode(_hash(smallest)).decode(),
        metadata=_metadata(original),
        derivatives=derivatives,
        alpha=bool(original.hasalpha()),
        faithful=faithful(
            format, max(original.width, original.height), derivatives, partial(_sized, path, format)
        ),
        scrubbed=clean,
        traits=traits(data, clean, smallest),
    )


def render(path: Path, rung: Rung, format: Format) -> Derivative:
    """One derivative, from the original."""
    source = format_of(path)
    moves = source in ANIMATED and _moves(opened(path), rung, format)
    return _saved(_rung(path, source, rung, moves=moves).copy_memory(), rung, format)


def transform(path: Path, asked: tuple[Transform, Format, tuple[int, int] | None]) -> bytes:
    return transformed(path, Asked(*asked))


def scrub(path: Path) -> bytes | None:
    return scrubbed(path.read_bytes())


def _proven(path: Path, format: Format, caps: Caps) -> tuple[int, int, int]:
    """Upright width and height, and frames, after the last pixel was decoded."""
    if format is Format.HEIC:
        file = pillow_heif.open_heif(path)
        width, height = file[file.primary_index].size
        headers.check_size(width, height, 1, caps)
        image = heic(path)
        return image.width, image.height, 1
    first = opened(path)
    count = frames(first) if format in ANIMATED else 1
    headers.check_size(first.width, first.height, count, caps)
    options: dict[str, Any] = {"n": count} if count > 1 else {}
    if format is Format.JPEG and min(first.width, first.height) >= _SHRUNK:
        options = {"shrink": _SHRUNK}
    opened(path, **options).avg()
    return *upright(first), count


def _moves(first: Image, rung: Rung, format: Format) -> bool:
    """Whether an animation is still one on that rung, in that format."""
    width, height = rung.fit(*upright(first))
    count = frames(first)
    return count > 1 and count * width * height <= MOVING.get(format, 0)


def _rung(
    path: Path, format: Format, rung: Rung, original: Image = None, *, moves: bool = False
) -> Image:
    """The original at most as large as the rung, upright, in 8 bit, in a screen's colours."""
    original = whole(path, format) if original is None else original
    width, height = rung.fit(*upright(original))
    size = {"height": height, "size": "force"}
    if format is Format.HEIC:
        return on_screen(original.thumbnail_image(width, **size))
    return on_screen(thumbnail(path, width, "[n=-1]" if moves else "", **size))


def _sized(path: Path, format: Format, width: int, height: int) -> Image:
    """The original in just that size, by a decode of its own."""
    size: dict[str, Any] = {"height": height, "size": "force"}
    if format is Format.HEIC:
        return on_screen(heic(path).thumbnail_image(width, **size))
    return on_screen(thumbnail(path, width, **size))


def _ladder(
    path: Path, format: Format, wanted: Sequence[Format], original: Image = None
) -> tuple[list[Derivative], Image]:
    """Every rung, and the smallest as it was saved. An animation too large to move stands still."""
    original = whole(path, format) if original is None else original
    moving = [it for it in LADDER if format in ANIMATED and _moves(original, it, wanted[0])]
    still = [it for it in LADDER if it not in moving]
    derivatives: list[Derivative] = []
    for rungs, moves in ((still, False), (moving, True)):
        if rungs:
            image = _rung(path, format, rungs[0], original, moves=moves).copy_memory()
            made, image = _steps(image, rungs, wanted, upright(original))
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


def _saved(image: Image, rung: Rung, format: Format) -> Derivative:
    return Derivative(
        rung=rung,
        format=format,
        width=image.width,
        height=image.height // pages(image),
        body=encoded(image, format),
    )


def _hash(image: Image) -> bytes:
    still = first_page(image) if pages(image) > 1 else image
    small = still.thumbnail_image(HASHED_SIDE, height=HASHED_SIDE, size="down").colourspace("srgb")
    if not small.hasalpha():
        small = small.addalpha()
    return thumbhash(small.width, small.height, bytes(small.cast("uchar").write_to_memory()))


def _metadata(image: Image) -> Any:
    return metadata.read(
        exif=_blob(image, "exif-data"),
        iptc=_blob(image, "iptc-data"),
        xmp=_blob(image, "xmp-data"),
        color_profile=_profile(_blob(image, "icc-profile-data")),
        orientation=orientation(image),
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
