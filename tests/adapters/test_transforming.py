"""Every operation of a transform, on pixels, beside what libvips makes of the original."""

import asyncio
import io
import math
from itertools import pairwise
from pathlib import Path

import pytest
import pyvips
from PIL import Image, ImageCms, ImageFilter, ImageStat

from adapters.lab import VipsLab
from domain.media import Caps, Format
from domain.refusals import Validation
from domain.transform import parse
from tests.people import CORPUS, EACH_FORMAT

LANDSCAPE = CORPUS / "orientation/exif-orientation-examples__Landscape_4.jpg"
FIRST_TURNED = CORPUS / "exif/test-assets__portrait-orientation-6.jpg"
PHOTOS = [
    LANDSCAPE,
    FIRST_TURNED,
    CORPUS / "orientation/exif-orientation-examples__Portrait_1.jpg",
    CORPUS / "exif/test-assets__empty_gps.jpg",
]
WIDTH, HEIGHT = 400, 300


@pytest.fixture(scope="module")
def lab():
    lab = VipsLab(Caps(), workers=1)
    lab.start()
    yield lab
    asyncio.run(lab.close())


@pytest.fixture(scope="module")
def quarters(tmp_path_factory) -> Path:
    """Red and green above blue and white: every turn shows."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "red")
    picture.paste((0, 255, 0), (WIDTH // 2, 0, WIDTH, HEIGHT // 2))
    picture.paste("blue", (0, HEIGHT // 2, WIDTH // 2, HEIGHT))
    picture.paste("white", (WIDTH // 2, HEIGHT // 2, WIDTH, HEIGHT))
    path = tmp_path_factory.mktemp("made") / "quarters.png"
    picture.save(path)
    return path


async def seen(lab: VipsLab, path: Path, ops: str, format: Format = Format.PNG) -> Image.Image:
    body = await lab.transform(path, parse(ops), format)
    picture = Image.open(io.BytesIO(body))
    picture.load()
    assert picture.format == format.name
    return picture


def corners(picture: Image.Image) -> str:
    """The four colours, as letters, from the left above to the right below."""
    names = {(255, 0, 0): "r", (0, 255, 0): "g", (0, 0, 255): "b", (255, 255, 255): "w"}
    w, h = picture.size
    picture = picture.convert("RGB")
    places = [(3, 3), (w - 4, 3), (3, h - 4), (w - 4, h - 4)]
    return "".join(names.get(picture.getpixel(place), "?") for place in places)


def psnr(one: pyvips.Image, other: pyvips.Image) -> float:
    assert (one.width, one.height) == (other.width, other.height)
    error = ((one.cast("float") - other.cast("float")) ** 2).avg()
    return 10 * math.log10(255**2 / error) if error else math.inf


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda it: it.stem[-20:])
@pytest.mark.parametrize(("width", "height"), [(640, None), (330, None), (256, 256), (None, 480)])
@pytest.mark.parametrize("format", [Format.PNG, Format.WEBP, Format.JPEG])
async def test_a_plain_resize_is_as_libvips_makes_it(lab, photo, width, height, format):
    ops = ",".join(f"{n}_{v}" for n, v in (("w", width), ("h", height), ("q", 95)) if v)

    body = await lab.transform(photo, parse(ops), format)

    box = {"height": height or 100_000, "size": "down"}
    kept = pyvips.Image.thumbnail(str(photo), width or 100_000, **box).colourspace("srgb")
    if format is not Format.PNG:  # what a lossy format loses at this quality is no fault of ours
        save = {Format.WEBP: kept.webpsave_buffer, Format.JPEG: kept.jpegsave_buffer}[format]
        kept = pyvips.Image.new_from_buffer(save(Q=95), "")
    assert psnr(pyvips.Image.new_from_buffer(body, ""), kept) > 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ops", ["", "w_200", "w_100,h_100,fit_cover", "trim,w_200", "page_1"])
async def test_the_result_is_upright_however_the_camera_was_held(
    lab, quarters, tmp_path, orientation, ops
):
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    with Image.open(quarters) as upright:
        stored = upright.transpose(turn[orientation]) if orientation > 1 else upright.copy()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    stored.save(path, exif=exif)

    picture = await seen(lab, path, ops)

    sizes = {"": (400, 300), "page_1": (400, 300), "w_100,h_100,fit_cover": (100, 100)}
    assert picture.size == sizes.get(ops, (200, 150))
    if "trim" not in ops:
        assert corners(picture) == "rgbw"


@pytest.mark.parametrize(
    ("ops", "size", "shown"),
    [
        ("w_100", (100, 75), "rgbw"),
        ("h_75", (100, 75), "rgbw"),
        ("w_100,h_100", (100, 75), "rgbw"),
        ("w_1000", (400, 300), "rgbw"),
        ("w_100,dpr_2", (200, 150), "rgbw"),
        ("w_100,h_100,fit_fill", (100, 100), "rgbw"),
        ("w_100,h_100,fit_cover", (100, 100), "rgbw"),
        ("w_800,h_800,fit_cover", (800, 800), "rgbw"),
        ("w_100,h_100,crop_entropy", (100, 100), None),
        ("w_100,h_20,crop_attention", (100, 20), None),
        ("rot_90", (300, 400), "brwg"),
        ("rot_180", (400, 300), "wbgr"),
        ("rot_270", (300, 400), "gwrb"),
        ("flip_h", (400, 300), "grwb"),
        ("flip_v", (400, 300), "bwrg"),
        ("flip_hv", (400, 300), "wbgr"),
        ("rot_90,flip_h", (300, 400), "rbgw"),
        ("w_90,rot_90", (90, 120), "brwg"),
        ("w_80,h_200,fit_fill,rot_90", (80, 200), "brwg"),
        ("w_150,h_90,fit_cover,rot_270", (150, 90), "gwrb"),
    ],
)
async def test_sizes_crops_and_turns(lab, quarters, ops, size, shown):
    picture = await seen(lab, quarters, ops)

    assert picture.size == size
    if shown:
        assert corners(picture) == shown


@pytest.mark.parametrize(
    ("ops", "format", "margin"),
    [
        ("w_200,h_200,fit_contain", Format.PNG, (0, 0, 0, 0)),
        ("w_200,h_200,fit_contain", Format.WEBP, (0, 0, 0, 0)),
        ("w_200,h_200,fit_contain", Format.JPEG, (255, 255, 255, 255)),
        ("w_200,h_200,fit_contain,bg_102030", Format.PNG, (16, 32, 48, 255)),
        ("w_200,h_200,fit_contain,bg_000", Format.JPEG, (0, 0, 0, 255)),
    ],
)
async def test_margins_are_transparent_or_of_the_colour_asked_for(
    lab, quarters, ops, format, margin
):
    picture = (await seen(lab, quarters, ops, format)).convert("RGBA")

    assert picture.size == (200, 200)
    assert picture.getpixel((100, 10))[-1] == margin[-1]
    if margin[-1]:
        assert all(abs(a - b) < 4 for a, b in zip(picture.getpixel((9, 9)), margin, strict=True))
    inner = picture.crop((0, 26, 200, 174)).convert("RGB")
    assert inner.getpixel((5, 5))[0] > 240


async def test_a_crop_goes_where_something_is(lab, tmp_path):
    """A colourful, busy spot far to the right of a dull picture."""
    picture = Image.new("RGB", (800, 200), (128, 128, 128))
    for x in range(650, 750, 4):
        picture.paste((255, 40, 0) if x % 8 else (0, 40, 255), (x, 50, x + 4, 150))
    picture.save(tmp_path / "spot.png")
    for crop in ("entropy", "attention"):
        cut = await seen(lab, tmp_path / "spot.png", f"w_200,h_200,crop_{crop}")
        assert len(cut.convert("RGB").getcolors(100_000)) > 1, crop
    center = await seen(lab, tmp_path / "spot.png", "w_200,h_200,crop_center")
    assert center.convert("RGB").getcolors() == [(40_000, (128, 128, 128))]


async def test_blur_sharpen_and_gray(lab, quarters):
    edge = [(x, 20) for x in range(190, 211)]

    def steepest(picture):
        reds = [picture.convert("RGB").getpixel(it)[0] for it in edge]
        return max(a - b for a, b in pairwise(reds))

    plain = await seen(lab, quarters, "")
    soft = await seen(lab, quarters, "blur_5")
    softer = await seen(lab, quarters, "blur_10")
    assert steepest(softer) < steepest(soft) < 40 < steepest(plain)
    sharp = await seen(lab, FIRST_TURNED, "w_300,sharpen_2")
    same = await seen(lab, FIRST_TURNED, "w_300")
    busy = [ImageStat.Stat(it.convert("L").filter(ImageFilter.FIND_EDGES)) for it in (same, sharp)]
    assert busy[1].mean[0] > busy[0].mean[0] * 1.05
    gray = await seen(lab, quarters, "gray")
    assert gray.mode == "L"
    assert gray.getpixel((3, 3)) < gray.getpixel((397, 3)) < 255 == gray.getpixel((397, 297))


async def test_quality_is_what_it_costs(lab):
    sizes = [
        len(await lab.transform(LANDSCAPE, parse(f"w_320,q_{q}"), format))
        for format in (Format.JPEG, Format.WEBP, Format.AVIF)
        for q in (20, 60, 95)
    ]
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[3] < sizes[4] < sizes[5]
    assert sizes[6] < sizes[7] < sizes[8]


async def test_borders_are_trimmed(lab, tmp_path):
    picture = Image.new("RGB", (300, 200), (250, 250, 250))
    picture.paste((244, 244, 244), (10, 10, 290, 190))  # nearly as light
    picture.paste("red", (100, 50, 220, 130))
    picture.save(tmp_path / "framed.png")
    clear = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (100, 50, 220, 130))
    clear.save(tmp_path / "clear.png")
    Image.new("RGB", (30, 20), "red").save(tmp_path / "flat.png")

    assert (await seen(lab, tmp_path / "framed.png", "trim")).size == (120, 80)
    assert (await seen(lab, tmp_path / "framed.png", "trim_3")).size == (280, 180)
    assert (await seen(lab, tmp_path / "framed.png", "trim,w_60")).size == (60, 40)
    assert (await seen(lab, tmp_path / "framed.png", "trim,w_60,rot_90")).size == (60, 90)
    assert (await seen(lab, tmp_path / "clear.png", "trim")).size == (120, 80)
    assert (await seen(lab, tmp_path / "flat.png", "trim")).size == (30, 20)


async def test_what_is_transparent_stays_so_or_gets_a_ground(lab, tmp_path):
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (50, 0, 100, 100))
    path = tmp_path / "half.png"
    picture.save(path)

    for format in (Format.PNG, Format.WEBP, Format.AVIF):
        kept = await seen(lab, path, "w_50", format)
        assert kept.mode == "RGBA"
        assert kept.getpixel((5, 5))[3] <= 1
    grounds = {"w_50": (255, 255, 255), "w_50,bg_00ff00": (0, 255, 0)}
    for ops, ground in grounds.items():
        flat = await seen(lab, path, ops, Format.JPEG)
        assert all(abs(a - b) < 6 for a, b in zip(flat.getpixel((5, 5)), ground, strict=True))
    flat = await seen(lab, path, "w_50,bg_00ff00", Format.PNG)
    assert flat.convert("RGBA").getpixel((5, 5)) == (0, 255, 0, 255)
    blurred = (await seen(lab, path, "blur_4")).convert("RGBA")
    assert blurred.getpixel((52, 50))[:3] == (255, 0, 0), "no dark fringe"
    gray = (await seen(lab, path, "gray")).convert("RGBA")
    assert gray.getpixel((5, 5))[3] == 0


@pytest.mark.parametrize("ops", ["w_32", "w_24,h_24,fit_cover,rot_90", "blur_1,gray", "trim,w_20"])
@pytest.mark.parametrize("format", [Format.GIF, Format.WEBP])
@pytest.mark.parametrize("source", ["gif", "webp"])
async def test_animations_stay_animated(lab, source, format, ops):
    path = CORPUS / EACH_FORMAT[source]
    with Image.open(path) as picture:
        frames = picture.n_frames

    moving = await seen(lab, path, ops, format)

    assert 1 < moving.n_frames <= frames  # encoders join frames that are small and equal
    if "w_32" in ops:
        assert moving.n_frames == frames
    still = await seen(lab, path, f"{ops},page_1", format)
    assert getattr(still, "n_frames", 1) == 1
    assert still.size == moving.size
    assert getattr(await seen(lab, path, ops, Format.JPEG), "n_frames", 1) == 1


async def test_a_page_is_one_frame(lab, tmp_path):
    colors = ["red", "blue", "white"]
    pictures = [Image.new("RGB", (40, 30), color) for color in colors]
    path = tmp_path / "three.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)

    shown = [corners(await seen(lab, path, f"page_{n}")) for n in (1, 2, 3)]

    assert shown == ["rrrr", "bbbb", "wwww"]
    with pytest.raises(Validation) as refused:
        await seen(lab, path, "page_4")
    assert refused.value.facts["errors"] == [{"field": "page", "message": "must be at most 3"}]


@pytest.mark.parametrize("source", EACH_FORMAT)
@pytest.mark.parametrize("format", sorted(set(Format) - {Format.HEIC}))
async def test_every_format_becomes_every_other_without_metadata(lab, source, format):
    for ops in ("w_40", "w_40,h_40,crop_attention,rot_90,blur_1,sharpen_1,gray,trim"):
        picture = await seen(lab, CORPUS / EACH_FORMAT[source], ops, format)
        assert picture.width == 40
        assert not set(picture.info) & {"exif", "xmp", "photoshop", "comment"}


async def test_a_wide_gamut_is_kept(lab, quarters, tmp_path):
    wide = pyvips.Image.new_from_file(str(quarters)).icc_transform("p3", input_profile="srgb")
    wide.write_to_file(str(tmp_path / "p3.png"))
    for format in (Format.PNG, Format.WEBP, Format.JPEG, Format.AVIF):
        for ops in ("w_100", "w_100,h_100,fit_contain,rot_90"):
            picture = await seen(lab, tmp_path / "p3.png", ops, format)
            profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
            assert "P3" in ImageCms.getProfileDescription(profile)
    gray = await seen(lab, tmp_path / "p3.png", "gray", Format.JPEG)
    assert "icc_profile" not in gray.info


async def test_inks_become_colours(lab, quarters, tmp_path):
    inks = pyvips.Image.new_from_file(str(quarters)).icc_export(output_profile="cmyk")
    inks.write_to_file(str(tmp_path / "cmyk.jpg"))
    for ops in ("w_100", "trim,w_100", "gray"):
        picture = await seen(lab, tmp_path / "cmyk.jpg", ops, Format.JPEG)
        assert picture.mode == ("L" if ops == "gray" else "RGB")


async def test_an_animation_too_large_to_move_shows_its_first_frame(lab, tmp_path):
    pictures = [Image.new("P", (4000, 3000), n) for n in range(12)]
    path = tmp_path / "large.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)

    still = await seen(lab, path, "w_100", Format.WEBP)

    assert still.n_frames == 1
