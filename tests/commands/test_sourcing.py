"""Which rendering is what was asked for, and which one can stand in for the original."""

import pytest

from commands.sourcing import rung_of, stand_in
from domain.media import Format, Rung
from domain.transform import for_size, parse

PHOTO = (4000, 3000)


@pytest.mark.parametrize(
    ("ops", "rung"),
    [
        ("w_640", Rung.SMALL),
        ("h_480", Rung.SMALL),
        ("w_640,h_480", Rung.SMALL),
        ("w_256,h_256", Rung.THUMB),
        ("w_2048", Rung.LARGE),
        ("h_640", None),
        ("w_641", None),
        ("w_3840", None),
        ("", None),
        ("w_640,q_50", None),
        ("w_640,gray", None),
        ("w_640,h_480,fit_cover", None),
        ("w_640,page_1", None),
    ],
)
def test_a_rung_is_found_by_its_size(ops, rung):
    assert rung_of(parse(ops), *PHOTO) == rung


def test_a_small_picture_in_its_own_size_is_a_rung():
    assert rung_of(for_size(parse("w_1024"), 200, 100), 200, 100) is Rung.THUMB
    assert rung_of(for_size(parse("w_1024"), 900, 100), 900, 100) is Rung.MEDIUM


@pytest.mark.parametrize(
    ("ops", "rung"),
    [
        ("w_128", Rung.THUMB),
        ("w_129", Rung.SMALL),
        ("w_320", Rung.SMALL),
        ("w_600", Rung.MEDIUM),
        ("w_1024", Rung.LARGE),
        ("w_1080", None),
        ("h_640", Rung.LARGE),
        ("w_300,h_300,fit_cover", Rung.MEDIUM),
        ("w_320,rot_90", Rung.MEDIUM),
        ("w_320,blur_2,gray,q_60", Rung.SMALL),
        ("w_320,q_90", None),
        ("w_320,trim", None),
        ("w_320,page_1", None),
        ("w_100,h_100,crop_entropy", None),
        ("gray", None),
    ],
)
def test_the_smallest_that_is_twice_as_large_stands_in(ops, rung):
    assert stand_in(parse(ops), Format.JPEG, PHOTO) == rung


def test_what_has_no_loss_is_not_made_from_what_has():
    assert stand_in(parse("w_320"), Format.PNG, PHOTO) is None
    assert stand_in(parse("w_320"), Format.HEIC, PHOTO) == Rung.SMALL


def test_an_original_no_larger_than_the_rung_is_taken_itself():
    assert stand_in(parse("w_320"), Format.JPEG, (640, 480)) is None
    assert stand_in(parse("w_320"), Format.JPEG, (641, 480)) == Rung.SMALL
