"""Renderings that stand in for originals: nobody sees it, or it is known that one would."""

import asyncio

import pytest
import pyvips

from adapters.lab import VipsLab
from adapters.similarity import ALIKE, similarity
from commands.sourcing import stand_in
from domain.media import Caps, Format
from domain.transform import parse
from tests.people import CORPUS

SET = {
    "landscape": "orientation/exif-orientation-examples__Landscape_4.jpg",
    "portrait": "orientation/exif-orientation-examples__Portrait_1.jpg",
    "turned": "exif/test-assets__portrait-orientation-6.jpg",
    "large": "exif/test-assets__empty_gps.jpg",
    "heic": "heic/pillow_heif__xiaomi.heic",
}


@pytest.fixture(scope="module")
def lab():
    lab = VipsLab(Caps(), workers=1)
    lab.start()
    yield lab
    asyncio.run(lab.close())


@pytest.mark.parametrize("name", SET)
async def test_what_a_rendering_gives_looks_like_what_the_original_gives(lab, tmp_path, name):
    path = CORPUS / SET[name]
    proven, development = await lab.inspect(path), await lab.develop(path)
    size = (proven.content.width, proven.content.height)
    tried = 0
    for ops in ("w_96", "w_128", "h_256", "w_320", "w_300,h_300,fit_cover", "w_600", "w_1024"):
        rung = stand_in(parse(ops), proven.format, size)
        if not (rung and development.faithful):
            continue
        body = next(
            it.body for it in development.derivatives if (it.rung, it.format) == (rung, Format.JPEG)
        )
        (tmp_path / "rung.jpg").write_bytes(body)
        first = await lab.transform(path, parse(ops), Format.PNG)
        second = await lab.transform(tmp_path / "rung.jpg", parse(ops), Format.PNG, size=size)
        pair = [pyvips.Image.new_from_buffer(it, "") for it in (first, second)]
        if (pair[0].width, pair[0].height) != (pair[1].width, pair[1].height):
            continue  # a side of the original that ends between two pixels
        assert similarity(*pair) >= ALIKE, ops
        tried += 1
    assert tried >= 2 or not development.faithful


async def test_noise_is_known_not_to_survive_it(lab, tmp_path):
    noise = pyvips.Image.gaussnoise(2000, 1500, mean=128, sigma=60).cast("uchar")
    noise.jpegsave(str(tmp_path / "noise.jpg"), Q=95)

    assert not (await lab.develop(tmp_path / "noise.jpg")).faithful
    photo = CORPUS / SET["landscape"]
    assert (await lab.develop(photo)).faithful


def test_a_picture_is_like_itself_and_less_so_the_more_it_is_changed():
    picture = pyvips.Image.new_from_file(str(CORPUS / SET["portrait"])).resize(0.2)
    changed = [picture.gaussblur(sigma) for sigma in (0.6, 1, 3)]
    likeness = [similarity(picture, it) for it in (picture, *changed)]
    assert likeness[0] == pytest.approx(1)
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[-1] < ALIKE
