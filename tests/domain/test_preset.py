"""Presets: named, renamed to another transform, forgotten."""

import pytest

from domain import account, preset
from domain.account import AccountRegistered, Identity
from domain.preset import PresetDropped, PresetKept, PresetName
from domain.refusals import NotFound, TooManyPresets, Validation
from tests.spec import Given

registered = AccountRegistered(
    plan="free", quota_bytes=1, personal=Identity(username="ann", email="ann@example.org")
)


def kept(name, ops):
    return PresetKept(ops=ops, personal=PresetName(name=name))


hero = kept("hero", "w_1280,h_720,fit_cover")


def given(*events):
    return Given(account.evolve, registered, *events)


def test_a_preset_is_kept_as_it_is_written_canonically():
    asked = {"name": "hero", "ops": "h_720,w_640,dpr_2,fit_cover,rot_0"}
    given().when(account.save_preset, **asked).then(kept("hero", "w_1280,h_1440,fit_cover"))
    given(hero).when(account.save_preset, name="hero", ops="fit_cover,h_720,w_1280").then_nothing()
    given(hero).when(account.save_preset, name="hero", ops="gray").then(kept("hero", "gray"))


@pytest.mark.parametrize("name", ["", "-a", "a.b", "a/b", "a,b", "ä", "a" * 41])
def test_a_name_fits_into_a_url(name):
    given().when(account.save_preset, name=name, ops="").then_refused(Validation)


def test_a_preset_that_cannot_be_made_is_refused():
    given().when(account.save_preset, name="a", ops="w_0,p_other").then_refused(
        Validation,
        errors=[
            {"field": "w", "message": "must be a whole number from 1 to 8192"},
            {"field": "p", "message": "is no operation"},
        ],
    )


def test_there_are_only_so_many():
    full = [kept(f"n{n}", "") for n in range(preset.MOST)]
    given(*full).when(account.save_preset, name="one-more", ops="").then_refused(TooManyPresets)
    given(*full).when(account.save_preset, name="n0", ops="gray").then(kept("n0", "gray"))


def test_a_preset_is_forgotten_once():
    gone = PresetDropped(personal=PresetName(name="hero"))
    given(hero).when(account.remove_preset, name="hero").then(gone)
    given(hero, gone).when(account.remove_preset, name="hero").then_refused(NotFound)
