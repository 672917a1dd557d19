from functools import partial

import pytest

from domain import access, gate, image, refusals
from domain.access import Action, Viewer, Visibility
from domain.image_events import Cause as PurgeCause
from domain.image_events import (
    CounterNoticed,
    Ground,
    ImageCleared,
    ImageQuarantined,
    Notice,
    Purged,
    QuarantineConfirmed,
    QuarantineReleased,
    Reinstated,
    RescanPassed,
    RescanRequested,
    Statement,
    TakenDown,
    VisibilityChanged,
)
from domain.refusals import Conflict, Forbidden, ImageTakenDown, NotFound
from domain.stream import fold
from tests.domain.test_image import cleared, deleted, finalized, initiated
from tests.spec import ANOTHER, ATTEMPT, NOW, OWNER, STRANGER, Given, recorded

given = partial(Given, image.evolve)

pending = (initiated, finalized)
live = (*pending, cleared, VisibilityChanged(visibility=Visibility.PUBLIC))
found = ImageQuarantined(scanner="clamd", finding="Eicar")
because = Ground(reason="looked at it")
released = (QuarantineReleased(personal=because), ImageCleared(scanner=gate.REVIEW))
asked = RescanRequested(personal=because, request=ATTEMPT)
notice = Notice(reason="not theirs", claimant="A. Painter")
taken_down = TakenDown(personal=notice)
purged = (*pending, Purged(cause=PurgeCause.OWNER))

scanned = {"decide": gate.scanned, "scanner": "clamd"}
reason = {"reason": "looked at it"}


def test_what_is_clean_passes_the_gate_once():
    given(*pending).when(finding=None, **scanned).then(ImageCleared(scanner="clamd"))
    given(*live).when(finding=None, **scanned).then_nothing()


def test_what_was_found_is_shut_away_even_if_it_was_public_before():
    for history in (pending, live, (*live, asked), (*live, deleted)):
        given(*history).when(finding="Eicar", **scanned).then(found)


def test_no_scanner_lifts_a_quarantine():
    for finding in (None, "Eicar"):
        given(*live, found).when(finding=finding, **scanned).then_nothing()


@pytest.mark.parametrize("history", [(), (initiated,), purged])
def test_what_is_not_there_is_neither_clean_nor_infected(history):
    for finding in (None, "Eicar"):
        given(*history).when(finding=finding, **scanned).then_nothing()
    rescan = partial(gate.rescan, request=ATTEMPT)
    for decide in (rescan, gate.release, gate.confirm, gate.reinstate):
        given(*history).when(decide, **reason).then_refused(NotFound)
    given(*history).when(gate.take_down, notice=notice).then_refused(NotFound)


def test_a_rescan_is_asked_for_once_and_answered_once():
    asking = reason | {"request": ATTEMPT}
    given(*live).when(gate.rescan, **asking).then(asked)
    given(*live, asked).when(gate.rescan, **asking | {"request": ANOTHER}).then_nothing()
    given(*pending).when(gate.rescan, **asking).then_nothing()
    given(*live, found).when(gate.rescan, **asking).then_nothing()
    passed = (*live, asked, RescanPassed(scanner="clamd"))
    given(*passed).when(gate.rescan, **asking).then_nothing()
    given(*passed).when(gate.rescan, **asking | {"request": ANOTHER}).then(
        RescanRequested(personal=because, request=ANOTHER)
    )
    given(*live, asked).when(finding=None, **scanned).then(RescanPassed(scanner="clamd"))
    given(*live, asked, RescanPassed(scanner="clamd")).when(finding=None, **scanned).then_nothing()


def test_an_administrator_overrules_the_scanner_and_that_holds():
    given(*pending, found).when(gate.release, **reason).then(*released)
    given(*pending).when(gate.release, **reason).then(*released)
    given(*live).when(gate.release, **reason).then_nothing()
    given(*live, found, *released).when(finding="Eicar", **scanned).then_nothing()
    other = ImageQuarantined(scanner="clamd", finding="Other")
    given(*live, found, *released).when(finding="Other", **scanned).then(other)


def test_a_quarantine_is_confirmed_once():
    given(*live, found).when(gate.confirm, **reason).then(QuarantineConfirmed(personal=because))
    kept = (*live, found, QuarantineConfirmed(personal=because))
    given(*kept).when(gate.confirm, **reason).then_nothing()
    given(*kept).when(gate.release, **reason).then(*released)
    given(*live).when(gate.confirm, **reason).then_refused(Conflict)


def test_a_takedown_and_its_end():
    given(*live).when(gate.take_down, notice=notice).then(taken_down)
    given(*live, taken_down).when(gate.take_down, notice=notice).then_nothing()
    given(*live, taken_down).when(gate.reinstate, **reason).then(Reinstated(personal=because))
    given(*live).when(gate.reinstate, **reason).then_nothing()


def test_only_its_owner_objects_and_once():
    objection = CounterNoticed(personal=Statement(statement="it is mine"))
    countering = {"decide": gate.counter, "statement": "it is mine", "now": NOW}
    given(*live, taken_down).when(by=OWNER, **countering).then(objection)
    given(*live, taken_down, objection).when(by=OWNER, **countering).then_nothing()
    given(*live, taken_down).when(by=STRANGER, **countering).then_refused(Forbidden)
    given(*live).when(by=OWNER, **countering).then_refused(Conflict)
    given(*purged).when(by=OWNER, **countering).then_refused(NotFound)


def allowed(history, by, action):
    subject = fold(image.evolve, recorded(*history)).subject
    return access.decide(Viewer(account_id=by), action, subject, now=NOW)


@pytest.mark.parametrize("action", Action)
def test_what_was_taken_down_only_its_owner_knows_of(action):
    history = (*live, taken_down)
    assert isinstance(allowed(history, STRANGER, action), Forbidden)
    mine = allowed(history, OWNER, action)
    assert mine is None if action in ("list", "manage") else isinstance(mine, ImageTakenDown)
    both, shut = allowed((*history, found), OWNER, action), refusals.ImageQuarantined
    assert both is None if action in ("list", "manage") else isinstance(both, shut)
    again = (*history, Reinstated(personal=because))
    assert allowed(again, STRANGER, Action.MANAGE) is not None
    assert (allowed(again, STRANGER, action) is None) == (action in ("view", "list", "download"))
