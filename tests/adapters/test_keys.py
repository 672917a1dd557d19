"""Keys from one key."""

import base64
import os

import pytest
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from adapters.keys import InstanceKey

KEY = InstanceKey(base64.b64encode(bytes(range(32))).decode())
OTHER = InstanceKey(base64.b64encode(os.urandom(32)).decode())


@pytest.mark.parametrize("wrong", ["", "short", base64.b64encode(b"x" * 31).decode(), "ä" * 44])
def test_a_key_of_another_size_is_refused_at_start(wrong):
    with pytest.raises(ValueError):
        InstanceKey(wrong)


def test_each_purpose_and_generation_has_a_key_of_its_own_and_keeps_it():
    keys = {KEY.derived(purpose, generation) for purpose in ("a", "b") for generation in (1, 2)}

    assert len(keys) == 4
    assert KEY.derived("a") == InstanceKey(base64.b64encode(bytes(range(32))).decode()).derived("a")
    assert OTHER.derived("a") not in keys


def test_a_wrapped_key_opens_with_its_own_instance_key_only():
    secret = os.urandom(32)
    wrapped = KEY.wrap(secret)

    assert secret not in wrapped
    assert KEY.unwrap(wrapped) == secret
    with pytest.raises(InvalidUnwrap):
        OTHER.unwrap(wrapped)


@pytest.mark.parametrize(
    "same",
    ["Ann@Example.org", "ann@example.ORG", "ａｎｎ@example.org"],  # noqa: RUF001 - fullwidth letters
)
def test_spelling_makes_no_other_claim(same):
    assert KEY.claim_id("email", same) == KEY.claim_id("email", "ann@example.org")


def test_a_claim_is_of_its_kind_and_of_its_instance():
    ids = {
        KEY.claim_id("email", "ann"),
        KEY.claim_id("username", "ann"),
        KEY.claim_id("email", "ben"),
        OTHER.claim_id("email", "ann"),
    }
    assert len(ids) == 4
