"""What becomes of an entry of the blocklist."""

from domain import block
from domain.block import BlockAdded, BlockExplained, BlockLifted, Ground, Manner
from domain.refusals import NotFound
from tests.spec import Given

added = BlockAdded(manner=Manner.EXACT, personal=Ground(reason="why"))
lifted = BlockLifted(personal=Ground(reason="over"))


def given(*events):
    return Given(block.evolve, *events)


def test_it_is_added_once_and_again_once_it_was_lifted():
    adding = {"manner": Manner.EXACT, "reason": "why"}
    given().when(block.add, **adding).then(added)
    given(added).when(block.add, **adding).then_nothing()
    given(added, lifted).when(block.add, **adding).then(added)


def test_it_has_another_reason():
    given(added).when(block.explain, reason="else").then(
        BlockExplained(personal=Ground(reason="else"))
    )
    given(added).when(block.explain, reason="why").then_nothing()
    for past in ((), (added, lifted)):
        given(*past).when(block.explain, reason="else").then_refused(NotFound)


def test_it_is_lifted_once():
    given(added).when(block.lift, reason="over").then(lifted)
    given(added, lifted).when(block.lift, reason="over").then_nothing()
    given().when(block.lift, reason="over").then_refused(NotFound)


def test_it_holds_as_long_as_it_was_not_lifted():
    states = [None, block.evolve(None, added)]
    states.append(block.evolve(states[1], lifted))
    assert [block.active(it) for it in states] == [False, True, False]
