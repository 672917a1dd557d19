"""Signed URLs: one signature for one request."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.signed_urls import HmacUrls, canonical
from domain.refusals import SignatureExpired, SignatureInvalid, SignatureNotYetValid
from tests.spec import NOW

SIGNER = HmacUrls(lambda: {"1": b"old key", "2": b"new key"})
SOON = NOW + timedelta(seconds=60)
RESERVED = ("", "exp", "kid", "nbf", "sig")
PATH = "/images/img_1/small.webp"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
requests = st.tuples(texts, st.dictionaries(texts, texts, max_size=4))


def signed(path: str = PATH, **parameters: str) -> dict[str, str]:
    return opened(SIGNER.sign(path, parameters, SOON, NOW).url)


def opened(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def test_what_was_signed_verifies_until_it_expires():
    query = signed(download="1")

    SIGNER.verify(PATH, query, NOW)
    SIGNER.verify(PATH, dict(reversed(query.items())), SOON - timedelta(seconds=1))
    with pytest.raises(SignatureExpired):
        SIGNER.verify(PATH, query, SOON)


@pytest.mark.parametrize(
    "changed",
    [
        {"download": "2"},
        {"extra": "1"},
        {"exp": "99999999999"},
        {"exp": "x"},
        {"kid": "1"},
        {"kid": "3"},
        {"sig": ""},
        {"sig": "0" * 64},
        {"sig": "ä"},
    ],
)
def test_whatever_is_changed_is_refused(changed):
    with pytest.raises(SignatureInvalid):
        SIGNER.verify(PATH, signed(download="1") | changed, NOW)


@pytest.mark.parametrize("missing", ["download", "exp", "kid", "sig"])
def test_whatever_is_left_out_is_refused(missing):
    query = signed(download="1")
    del query[missing]

    with pytest.raises(SignatureInvalid):
        SIGNER.verify(PATH, query, NOW)


def test_a_signature_is_for_one_path():
    with pytest.raises(SignatureInvalid):
        SIGNER.verify("/images/img_2/small.webp", signed(), NOW)


def test_what_is_for_later_says_from_when_on():
    url = SIGNER.sign(PATH, {}, SOON, NOW, NOW + timedelta(seconds=30)).url

    with pytest.raises(SignatureNotYetValid) as refusal:
        SIGNER.verify(PATH, opened(url), NOW)

    assert refusal.value.facts == {"validFrom": int(NOW.timestamp()) + 30}
    SIGNER.verify(PATH, opened(url), NOW + timedelta(seconds=30))
    with pytest.raises(SignatureExpired):
        SIGNER.verify(PATH, opened(url), SOON)


def test_an_older_key_still_verifies_and_the_newest_signs():
    old = HmacUrls(lambda: {"1": b"old key"}).sign(PATH, {}, SOON, NOW)

    SIGNER.verify(PATH, opened(old.url), NOW)
    assert signed()["kid"] == "2"


def test_long_lived_urls_of_one_window_are_equal_and_live_no_shorter():
    wanted = NOW + timedelta(hours=1)
    first = SIGNER.sign(PATH, {}, wanted, NOW)
    second = SIGNER.sign(PATH, {}, wanted + timedelta(seconds=5), NOW + timedelta(seconds=5))

    assert first.url != signed()
    assert first.expires_at >= wanted
    assert first.expires_at - wanted < timedelta(seconds=300)
    if first.expires_at >= wanted + timedelta(seconds=5):
        assert first == second


@given(requests, requests)
def test_no_two_requests_share_a_canonical_form(one, other):
    if one != other:
        assert canonical(*one) != canonical(*other)


@given(st.dictionaries(texts.filter(lambda name: name not in RESERVED), texts))
def test_every_request_survives_its_own_url(parameters):
    url = SIGNER.sign("/p", parameters, SOON, NOW).url

    SIGNER.verify("/p", opened(url), NOW)
