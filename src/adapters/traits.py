"""What an original is known by, in the child: its checksum for archives, its fingerprint."""

from zlib import crc32

from adapters.fingerprints import SIDE, fingerprint
from adapters.opening import Image
from adapters.saving import WHITE, first_page, flattened, pages
from commands.lab import Traits


def traits(data: bytes, clean: bytes | None, image: Image) -> Traits:
    """Of an original and its copy without whereabouts; `image` is what it looks like, any size."""
    return Traits(
        crc=crc32(data),
        scrubbed_size=None if clean is None else len(clean),
        scrubbed_crc=None if clean is None else crc32(clean),
        fingerprint=fingerprint(_grey(image)),
    )


def _grey(image: Image) -> bytes:
    """What is transparent is white."""
    still = first_page(image) if pages(image) > 1 else image
    if still.hasalpha():
        still = flattened(still, WHITE)
    grey = still.colourspace("b-w").cast("uchar")[0]
    return bytes(grey.thumbnail_image(SIDE, height=SIDE, size="force").write_to_memory())
