"""The grammar of transforms: what is read, what is refused, one way to write what is equal."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.media import Format
from domain.refusals import SignatureRequired, Validation
from domain.transform import (
    STEPS,
    Crop,
    Fit,
    Transform,
    for_format,
    for_size,
    parse,
    require_steps,
)


def hundredths(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda it: f"{it / 100:.2f}")


words = st.fixed_dictionaries(
    {},
    optional={
        "w": st.integers(1, 2000),
        "h": st.integers(1, 2000),
        "fit": st.sampled_from(Fit),
        "crop": st.sampled_from(Crop),
        "q": st.integers(1, 100),
        "dpr": hundredths(10, 400),
        "rot": st.sampled_from([0, 90, 180, 270]),
        "flip": st.sampled_from(["h", "v", "hv"]),
        "blur": hundredths(30, 10_000),
        "sharpen": hundredths(30, 1_000),
        "bg": st.from_regex("[0-9a-fA-F]{6}|[0-9a-fA-F]{3}", fullmatch=True),
        "gray": st.just("1"),
        "trim": st.integers(1, 254),
        "page": st.integers(1, 1000),
    },
)
operations = words.map(lambda found: [f"{name}_{value}" for name, value in found.items()])


def read(operations: list[str]) -> Transform:
    try:
        return parse(",".join(operations))
    except Validation:
        assume(False)
        raise


@given(operations)
def test_what_is_written_is_read_back_as_it_was(operations):
    transform = read(operations)
    assert parse(transform.text) == transform
    assert parse(transform.text).text == transform.text


@given(operations.flatmap(lambda it: st.tuples(st.just(it), st.permutations(it))))
def test_the_order_says_nothing(both):
    one, other = both
    assert read(one).text == read(other).text


@given(st.text(max_size=60))
def test_any_text_is_a_transform_or_refused(text):
    try:
        found = parse(text)
    except Validation:
        return
    assert parse(found.text) == found


def test_every_operation_is_read():
    text = (
        "w_300,h_200,crop_attention,q_70,dpr_2,rot_90,flip_h,blur_1.5,sharpen_0.50,bg_FfF,gray,"
        "trim,page_3"
    )
    assert parse(text) == Transform(
        w=600,
        h=400,
        fit=Fit.COVER,
        crop=Crop.ATTENTION,
        q=70,
        rot=90,
        mirrored=True,
        blur=Decimal("1.5"),
        sharpen=Decimal("0.5"),
        bg="ffffff",
        gray=True,
        trim=10,
        page=3,
    )
    assert parse("") == Transform()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("w_320,dpr_2", "w_640"),
        ("w_640,fit_inside,rot_0", "w_640"),
        ("w_10,h_10,crop_center", "fit_cover,h_10,w_10"),
        ("flip_hv", "rot_180"),
        ("flip_v", "rot_180,flip_h"),
        ("rot_90,flip_hv", "rot_270"),
        ("blur_2.00", "blur_2"),
        ("bg_abc", "bg_AABBCC"),
        ("trim_10,gray_1", "gray,trim"),
        ("dpr_2", ""),
    ],
)
def test_what_looks_the_same_is_written_the_same(one, other):
    assert parse(one).text == parse(other).text


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("w_0", ["w"]),
        ("w_-1", ["w"]),
        ("w_1e3", ["w"]),
        ("w_٣", ["w"]),
        ("w_8193", ["w"]),
        ("w_4096,dpr_3", ["w"]),
        ("w_8000,h_8000", ["w"]),
        ("w_1,dpr_0.1", ["w"]),
        ("dpr_4.01", ["dpr"]),
        ("q_101", ["q"]),
        ("rot_45", ["rot"]),
        ("flip_x", ["flip"]),
        ("blur_0.2", ["blur"]),
        ("blur_100.01", ["blur"]),
        ("blur_NaN", ["blur"]),
        ("sharpen_10.1", ["sharpen"]),
        ("bg_red", ["bg"]),
        ("bg_ffff", ["bg"]),
        ("gray_2", ["gray"]),
        ("trim_255", ["trim"]),
        ("page_0", ["page"]),
        ("w_10,w_10", ["w"]),
        ("W_10", ["W"]),
        ("w_10,", [""]),
        ("fit_cover", ["fit"]),
        ("w_10,fit_fill", ["fit"]),
        ("w_10,h_10,fit_fill,crop_entropy", ["crop"]),
        ("w_10,crop_entropy", ["crop"]),
        ("w_x,zoom_2,q_0,fit_odd", ["w", "zoom", "q", "fit"]),
        ("p_name,w_10", ["p"]),
    ],
)
def test_everything_that_is_wrong_is_named(text, fields):
    with pytest.raises(Validation) as refused:
        parse(text)
    assert [it["field"] for it in refused.value.facts["errors"]] == fields


def test_a_format_forgets_what_makes_no_difference_in_it():
    assert for_format(parse("q_82"), Format.JPEG) == Transform()
    assert for_format(parse("q_82"), Format.WEBP).q == 82
    assert for_format(parse("q_50"), Format.PNG) == Transform()
    assert for_format(parse("bg_fff"), Format.JPEG) == Transform()
    assert for_format(parse("bg_fff"), Format.PNG).bg == "ffffff"


def test_a_size_that_changes_nothing_is_forgotten():
    assert for_size(parse("w_640,h_480"), 640, 480) == Transform()
    assert for_size(parse("w_3840"), 640, 480) == Transform()
    assert for_size(parse("h_479"), 640, 480).h == 479
    assert for_size(parse("w_480,rot_90"), 640, 480) == parse("rot_90")
    assert for_size(parse("w_640,rot_90,h_639"), 640, 480).h == 639
    assert for_size(parse("w_900,h_900,fit_cover"), 640, 480).w == 900
    assert for_size(parse("w_900,trim"), 640, 480).w == 900


def test_off_the_steps_a_signature_is_needed():
    require_steps(parse("w_640,h_480"), STEPS)
    require_steps(parse("q_3"), STEPS)
    with pytest.raises(SignatureRequired) as refused:
        require_steps(parse("w_641,h_480"), STEPS)
    assert refused.value.facts["sizes"] == [641]
    with pytest.raises(SignatureRequired):
        require_steps(parse("w_640,dpr_1.01"), STEPS)
