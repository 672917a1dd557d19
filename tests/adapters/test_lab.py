"""The contract of the Lab port: what decodes, what does not, and what a bad file can do."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from adapters import lab as module
from adapters import sandbox
from adapters.lab import VipsLab
from domain.media import Caps, Format, Rung
from domain.refusals import (
    CorruptImage,
    FileTooLarge,
    Refusal,
    TooManyFrames,
    TooManyPixels,
    Unavailable,
    UnsupportedFormat,
)
from domain.transform import parse
from tests.people import CORPUS, EACH_FORMAT, PHOTO, eventually

BOTH = (Format.WEBP, Format.JPEG)
AHEAD = {
    "png": (Format.PNG, *BOTH),
    "gif": (Format.WEBP,),
    "webp": (Format.WEBP,),
}
"""What moves in the corpus is made in JPEG only if somebody asks."""
REFUSED = (CorruptImage, FileTooLarge, TooManyFrames, TooManyPixels, UnsupportedFormat)


@pytest.fixture(scope="module")
def lab():
    lab = VipsLab(Caps(), workers=1)
    lab.start()
    yield lab
    asyncio.run(lab.close())


def made(tmp_path: Path, width: int, height: int, extension: str = ".png", **options) -> Path:
    path = tmp_path / f"made{extension}"
    image = pyvips.Image.xyz(width, height)
    picture = image[0].bandjoin([image[1], image[0] + image[1]]).cast("uchar")
    picture.copy(interpretation="srgb").write_to_file(str(path), **options)
    return path


@pytest.mark.parametrize("sides", [(1, 1), (7, 7), (3000, 1), (1, 3000), (16, 3)])
@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
async def test_the_smallest_pictures_are_pictures_too(lab, tmp_path, sides, extension):
    path = made(tmp_path, *sides, extension)

    arrived = await lab.inspect(path)

    assert (arrived.content.width, arrived.content.height) == sides
    for derivative in (await lab.develop(path)).derivatives:
        assert (derivative.width, derivative.height) == derivative.rung.fit(*sides)


async def test_a_file_is_not_broken_because_the_machine_is_busy(lab, monkeypatch, tmp_path):
    endless = tmp_path / "endless"  # which no decoder gets to see the end of
    os.mkfifo(endless)
    await lab.inspect(CORPUS / PHOTO)
    monkeypatch.setattr(module, "WALL_CLOCK", 0.5)

    with pytest.raises(Unavailable):
        await lab.transform(endless, parse("w_64"), Format.JPEG)
    with pytest.raises(CorruptImage):
        await lab.develop(endless)

    monkeypatch.undo()
    assert (await lab.inspect(CORPUS / PHOTO)).format is Format.JPEG


async def test_an_avif_that_moves_is_shown_by_its_first_picture(lab, tmp_path):
    path = tmp_path / "moving.avif"
    red, *others = (Image.new("RGB", (800, 60), it) for it in ("red", "lime", "blue"))
    red.save(path, save_all=True, append_images=others, duration=50)
    assert path.read_bytes()[4:12] == b"ftypavis"

    arrived = await lab.inspect(path)
    bodies = [it.body for it in (await lab.develop(path)).derivatives]
    bodies += [
        (await lab.render(path, Rung.SMALL, Format.PNG)).body,
        await lab.transform(path, parse("w_64,trim"), Format.PNG),
        await lab.transform(path, parse("w_64"), Format.PNG),
    ]

    assert (arrived.format, arrived.content.frames) == (Format.AVIF, 1)
    assert (arrived.content.width, arrived.content.height) == (800, 60)
    for body in bodies:
        with Image.open(io.BytesIO(body)) as picture:
            r, g, b = picture.convert("RGB").getpixel((5, 2))
        assert r > 200 > 60 > max(g, b)
    broken = tmp_path / "broken.avif"
    broken.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CorruptImage):
        await lab.inspect(broken)


@pytest.mark.parametrize("format", EACH_FORMAT)
async def test_every_format_is_proven_and_developed(lab, format):
    path = CORPUS / EACH_FORMAT[format]

    arrived = await lab.inspect(path)
    development = await lab.develop(path)

    assert arrived.format.value == format
    assert arrived.size == path.stat().st_size
    longest = max(arrived.content.width, arrived.content.height)
    made = {(it.rung, it.format) for it in development.derivatives}
    assert made == {(rung, it) for rung in Rung for it in AHEAD.get(format, (*BOTH,))}
    for derivative in development.derivatives:
        assert max(derivative.width, derivative.height) == min(derivative.rung.side, longest)
        sides = derivative.rung.fit(arrived.content.width, arrived.content.height)
        assert (derivative.width, derivative.height) == sides
        with Image.open(io.BytesIO(derivative.body)) as picture:
            assert picture.size == (derivative.width, derivative.height)
            assert picture.format == derivative.format.name
            assert not set(picture.info) & {"exif", "xmp", "photoshop", "comment"}


@pytest.mark.parametrize("format", sorted(set(Format) - {Format.HEIC}))
@pytest.mark.parametrize("rung", Rung)
async def test_every_rendering_is_what_it_says(lab, tmp_path, rung, format):
    made(tmp_path, 2500, 1000)

    rendered = await lab.render(tmp_path / "made.png", rung, format)

    assert (rendered.width, rendered.height) == (rung.side, rung.side * 2 // 5)
    with Image.open(io.BytesIO(rendered.body)) as picture:
        assert picture.size == (rendered.width, rendered.height)


@pytest.mark.parametrize("source", ["gif", "webp"])
async def test_animations_stay_animated(lab, source):
    path = CORPUS / EACH_FORMAT[source]
    with Image.open(path) as original:
        frames = original.n_frames

    ahead = (await lab.develop(path)).derivatives
    asked = [await lab.render(path, Rung.THUMB, it) for it in Format if it is not Format.HEIC]

    for derivative in (*ahead, *asked):
        with Image.open(io.BytesIO(derivative.body)) as picture:
            moves = derivative.format in (Format.GIF, Format.WEBP)
            assert getattr(picture, "n_frames", 1) == (frames if moves else 1)
            assert picture.size == (derivative.width, derivative.height)


async def test_an_animation_too_large_to_move_in_time_stands_still(lab, tmp_path):
    """The size of all its frames counts: of each rung, and for each format."""
    path = tmp_path / "long.gif"
    first, *rest = (Image.new("P", (300, 300), n % 200) for n in range(800))
    for n, frame in enumerate((first, *rest)):
        frame.putpalette([n % 251, n % 241, n % 239] * 256)
    first.save(path, save_all=True, append_images=rest, duration=20)

    made = {it.rung: it for it in (await lab.develop(path)).derivatives}
    asked = [await lab.render(path, Rung.THUMB, it) for it in (Format.GIF, Format.WEBP)]

    for derivative in (*made.values(), *asked):
        with Image.open(io.BytesIO(derivative.body)) as picture:
            assert getattr(picture, "n_frames", 1) == 1
            assert picture.size == (derivative.width, derivative.height)


async def test_what_is_png_loses_nothing(lab, tmp_path):
    path = made(tmp_path, 600, 300)

    ladder = (await lab.develop(path)).derivatives

    (small,) = [it for it in ladder if it.rung is Rung.SMALL and it.format is Format.PNG]
    before = pyvips.Image.new_from_file(str(path))
    after = pyvips.Image.new_from_buffer(small.body, "")
    assert (before - after).abs().max() == 0


@pytest.mark.parametrize(
    ("name", "alpha"),
    [("valid/Pillow__pil123rgba.png", True), (PHOTO, False), (EACH_FORMAT["gif"], True)],
)
async def test_it_is_known_what_may_be_transparent(lab, name, alpha):
    assert (await lab.develop(CORPUS / name)).alpha is alpha


async def test_small_pictures_are_not_blown_up(lab):
    arrived = await lab.inspect(CORPUS / "valid/sharp__2x2_fdcce6.png")
    development = await lab.develop(CORPUS / "valid/sharp__2x2_fdcce6.png")

    assert (arrived.content.width, arrived.content.height) == (2, 2)
    assert {(it.width, it.height) for it in development.derivatives} == {(2, 2)}


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_derivatives_are_upright(lab, tmp_path, orientation):
    """Red above blue, however the camera was held."""
    upright = Image.new("RGB", (60, 40), "red")
    upright.paste("blue", (0, 20, 60, 40))
    turn = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for step in turn.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.jpg"
    stored.save(path, exif=exif, quality=95)

    arrived = await lab.inspect(path)
    rendered = await lab.render(path, Rung.THUMB, Format.PNG)

    assert (arrived.content.width, arrived.content.height) == (60, 40)
    with Image.open(io.BytesIO(rendered.body)) as picture:
        assert picture.size == (60, 40)
        top, bottom = picture.convert("RGB").getpixel((5, 5)), picture.getpixel((55, 35))
    assert top[0] > 200 > top[2]
    assert bottom[2] > 200 > bottom[0]


@pytest.mark.parametrize("depth", ["uchar", "ushort"])
@pytest.mark.parametrize("format", sorted(set(Format) - {Format.HEIC}))
async def test_a_wide_gamut_is_shown_in_the_same_colours(lab, tmp_path, depth, format):
    """A green that is in P3 and in sRGB: where the format has profiles, by the one of the file."""
    green = pyvips.Image.black(300, 200, bands=3).linear([1, 1, 1], [60, 200, 90])
    green = green.cast("uchar").copy(interpretation="srgb")
    wide = green.icc_transform("p3", input_profile="srgb", depth=16 if depth == "ushort" else 8)
    wide.write_to_file(str(tmp_path / "p3.png"))

    rendered = await lab.render(tmp_path / "p3.png", Rung.SMALL, format)

    seen = pyvips.Image.new_from_buffer(rendered.body, "")
    if format is Format.GIF:
        assert not seen.get_typeof("icc-profile-data")
    else:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(seen.get("icc-profile-data")))
        assert "P3" in ImageCms.getProfileDescription(profile)
        assert abs(seen(100, 100)[0] - 60) > 15, "as it stands, it is another colour"
        seen = seen.icc_transform("srgb", embedded=True)
    for found, expected in zip(seen(100, 100)[:3], (60, 200, 90), strict=True):
        assert abs(found - expected) <= 4


@pytest.mark.parametrize("format", BOTH)
async def test_a_profile_larger_than_a_thumbnail_is_replaced_and_the_colours_stay(lab, format):
    measured = CORPUS / "exif/test-assets__thompson-springs.jpg"
    before = pyvips.Image.new_from_file(str(measured))
    assert len(before.get("icc-profile-data")) > 60_000

    rendered = await lab.render(measured, Rung.THUMB, format)

    assert len(rendered.body) < 20_000
    after = pyvips.Image.new_from_buffer(rendered.body, "")
    assert len(after.get("icc-profile-data")) < 1_000
    apart = before.icc_import(embedded=True).dE00(after.icc_import(embedded=True))
    assert apart.avg() < 2.5, "lossy, and yet hardly to be told apart"


async def test_cmyk_becomes_rgb(lab, tmp_path):
    image = pyvips.Image.new_from_file(str(made(tmp_path, 300, 200)))
    image.icc_export(output_profile="cmyk").write_to_file(str(tmp_path / "cmyk.jpg"))

    narrow = await lab.render(tmp_path / "cmyk.jpg", Rung.SMALL, Format.WEBP)

    with Image.open(io.BytesIO(narrow.body)) as picture:
        assert picture.mode == "RGB"


@pytest.mark.parametrize("format", EACH_FORMAT)
async def test_a_truncated_file_is_refused(lab, tmp_path, format):
    whole = (CORPUS / EACH_FORMAT[format]).read_bytes()
    path = tmp_path / "cut"
    for share in (0.05, 0.25, 0.5, 0.75, 0.9, 0.97):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises((CorruptImage, UnsupportedFormat)):
            await lab.inspect(path)


@pytest.mark.parametrize(
    ("head", "refusal"),
    [
        (b"", UnsupportedFormat),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedFormat),
        (b"BM" + bytes(60), UnsupportedFormat),
        (b"II*\0" + bytes(60), UnsupportedFormat),
        (b"%PDF-1.7", UnsupportedFormat),
        (b"\xff\xd8\xff" + bytes(60), CorruptImage),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), CorruptImage),
        (b"GIF89a" + bytes(60), CorruptImage),
        (b"RIFF\xff\xff\xff\x7fWEBP" + bytes(60), CorruptImage),
        (b"\0\0\0\x18ftypheic" + bytes(60), CorruptImage),
        (b"\0\0\0\x18ftypavif" + bytes(60), CorruptImage),
    ],
)
async def test_what_is_no_image_is_refused(lab, tmp_path, head, refusal):
    path = tmp_path / "file"
    path.write_bytes(head)

    with pytest.raises(refusal):
        await lab.inspect(path)


async def test_the_caps_hold_with_their_figures(tmp_path):
    small = Caps(file_bytes=50_000, pixels=10_000, side=300, frames=2)
    lab = VipsLab(small, workers=1)
    lab.start()
    try:
        await lab.inspect(made(tmp_path, 100, 100))
        with pytest.raises(TooManyPixels) as pixels:
            await lab.inspect(made(tmp_path, 101, 100))
        with pytest.raises(TooManyPixels):
            await lab.inspect(made(tmp_path, 301, 2))
        with pytest.raises(TooManyFrames):
            await lab.inspect(CORPUS / "animated/Pillow__dispose_bgnd_transparency.gif")
        (tmp_path / "big").write_bytes(bytes(50_001))
        with pytest.raises(FileTooLarge) as size:
            await lab.inspect(tmp_path / "big")
    finally:
        await lab.close()
    assert pixels.value.facts["limitPixels"] == 10_000
    assert pixels.value.facts["width"] == 101
    assert size.value.facts == {"limitBytes": 50_000, "requestedBytes": 50_001}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_is_changed_in_a_file_the_answer_is_a_verdict(fuzzed, tmp_path, data):
    """Never an accident, and the child lives on or is replaced."""
    loop, lab = fuzzed
    whole = bytearray(
        (CORPUS / data.draw(st.sampled_from(list(EACH_FORMAT.values())))).read_bytes()
    )
    for _ in range(data.draw(st.integers(1, 30))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed"
    path.write_bytes(whole)

    async def judged() -> None:
        try:
            await lab.inspect(path)
            await lab.develop(path)
        except REFUSED:
            pass

    loop.run_until_complete(judged())


@pytest.fixture(scope="module")
def fuzzed():
    with asyncio.Runner() as runner:
        lab = VipsLab(Caps(), workers=1)
        lab.start()
        yield runner.get_loop(), lab
        runner.run(lab.close())


# The sandbox. Each of these runs in a child, in place of a decoder.


def _connects() -> str:
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except PermissionError:
        return "denied"
    except OSError:
        return "tried"
    return "connected"


def _executes() -> str:
    try:
        os.execv("/bin/true", ["true"])  # noqa: S606 - it is denied
    except PermissionError:
        return "denied"
    return "unreachable"


def _writes(path: str) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Path(path).open("wb", buffering=0) as file:
        try:
            file.write(b"x")
        except OSError:
            return "denied"
    return "written"


def _eats_memory() -> str:
    hoard = []
    while True:
        hoard.append(bytearray(100_000_000))


def _dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _sleeps() -> None:
    time.sleep(60)


def _spins() -> None:
    while True:
        pass


async def test_the_child_reaches_no_network_no_program_and_no_disk(lab, tmp_path):
    assert await lab._run(_connects) == "denied"
    assert await lab._run(_executes) == "denied"
    assert await lab._run(_writes, str(tmp_path / "x")) == "denied"


async def test_too_much_memory_is_a_corrupt_image(lab):
    with pytest.raises(CorruptImage):
        await lab._run(_eats_memory)
    await lab.inspect(CORPUS / EACH_FORMAT["png"])


async def test_a_death_costs_one_file(lab):
    with pytest.raises(CorruptImage, match="broken"):
        await lab._run(_dies)
    await lab.inspect(CORPUS / EACH_FORMAT["png"])


async def test_a_decoder_that_hangs_is_ended(lab, monkeypatch):
    monkeypatch.setattr(module, "WALL_CLOCK", 0.5)
    with pytest.raises(CorruptImage) as refused:
        await lab._run(_sleeps)
    assert "too long" in str(refused.value.facts["reason"])
    monkeypatch.undo()
    await lab.inspect(CORPUS / EACH_FORMAT["png"])


def _limited_spin() -> None:
    sandbox.CPU = 1
    sandbox.start_task()
    _spins()


async def test_a_decoder_that_spins_is_ended(lab):
    with pytest.raises(CorruptImage):
        await lab._run(_limited_spin)
    await lab.inspect(CORPUS / EACH_FORMAT["png"])


async def test_a_full_queue_is_unavailable_at_once():
    lab = VipsLab(Caps(), workers=1, queue=2)
    lab.start()
    try:
        path = CORPUS / EACH_FORMAT["heic"]
        outcomes = await asyncio.gather(
            *(lab.inspect(path) for _ in range(10)), return_exceptions=True
        )
    finally:
        await lab.close()
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 7
    assert not any(isinstance(it, Refusal) and not isinstance(it, Unavailable) for it in outcomes)


async def test_closing_leaves_no_decoder():
    before = _decoders(psutil.Process())
    lab = VipsLab(Caps(), workers=2)
    lab.start()
    await asyncio.gather(*(lab.inspect(CORPUS / EACH_FORMAT["png"]) for _ in range(4)))
    decoders = _decoders(psutil.Process()) - before
    assert len(decoders) == 2

    await lab.close()

    _, alive = psutil.wait_procs(decoders, timeout=5)
    assert not alive


def test_no_decoder_outlives_who_started_it():
    """Not even where that is killed, in the midst of work."""
    program = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from adapters.lab import VipsLab\n"
        "from domain.media import Caps\n"
        "async def main():\n"
        "    lab = VipsLab(Caps(), workers=2)\n"
        "    lab.start()\n"
        f"    path = Path({str(CORPUS / EACH_FORMAT['heic'])!r})\n"
        "    await lab.inspect(path)\n"
        "    print('at work', flush=True)\n"
        "    await asyncio.gather(*(lab.inspect(path) for _ in range(60)))\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    source = str(Path(module.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": source},
    ) as process:
        assert process.stdout.readline() == b"at work\n"
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(_decoders(psutil.Process(process.pid))) == 2
        process.kill()

    eventually(lambda: not any(map(_works, family)), within=5)


def _works(process: psutil.Process) -> bool:
    """Dead ones may wait for whoever adopted them to take note."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _decoders(process: psutil.Process) -> set[psutil.Process]:
    """Forked by the process that Python starts for it."""
    return {it for it in process.children(recursive=True) if it.ppid() != process.pid}
