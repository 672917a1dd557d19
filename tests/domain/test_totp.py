"""Codes of a second factor, against the figures of RFC 6238."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from domain import totp
from tests.spec import NOW

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_of_the_rfc(seconds, code):
    moment = datetime.fromtimestamp(seconds, UTC)

    assert totp.code(SECRET, totp.step(moment), digits=8) == code
    assert totp.code(SECRET, totp.step(moment)) == code[2:]


def test_a_clock_may_be_a_step_off_and_no_more():
    here = totp.step(NOW)
    for off in (-1, 0, 1):
        assert totp.matching(SECRET, totp.code(SECRET, here + off), NOW) == here + off
    for off in (-2, 2):
        assert totp.matching(SECRET, totp.code(SECRET, here + off), NOW) is None
    for nonsense in ("", "000000x", "\uff11\uff12\uff13\uff14\uff15\uff16", "é"):
        assert totp.matching(SECRET, nonsense, NOW) is None


def test_an_app_reads_the_secret_from_the_uri():
    parts = urlsplit(totp.uri(SECRET, issuer="Darkroom", name="ann+x@example.org"))
    query = parse_qs(parts.query)

    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/Darkroom%3Aann%2Bx@example.org"
    assert query["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
    assert query["issuer"] == ["Darkroom"]


def test_the_next_step_is_half_a_minute_away():
    assert totp.step(NOW + timedelta(seconds=30)) == totp.step(NOW) + 1
