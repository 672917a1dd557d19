"""The desk: whose turn it is to be developed, whatever happens to the others."""

import pytest

from adapters.development import Desk
from bootstrap import new_id
from commands.ports import ObjectMissing, Traits
from domain.refusals import CorruptImage, Unavailable
from projections.development import Developed, Exposure

PRINT = Developed(
    recipe="v1",
    placeholder="",
    scrubbed=False,
    alpha=False,
    metadata={"orientation": 1},
    variants=[],
    traits=Traits(crc=1, fingerprint=-1),
)


@pytest.fixture
async def waiting(core):
    """Two images that want to be developed, in the order of their turns."""
    ids = sorted([new_id(), new_id()])
    async with core.database.connection() as connection:
        for id in ids:
            await connection.execute(
                "insert into development.exposures (id, owner_id, attempt, format)"
                " values (%s, %s, %s, 'jpeg')",
                (id, new_id(), new_id()),
            )
    return ids


def fails_for(id, error):
    async def develop(exposure: Exposure) -> Developed:
        if exposure.id == id:
            raise error
        return PRINT

    return develop


@pytest.mark.parametrize("error", [ObjectMissing(), CorruptImage(), KeyError("a defect of ours")])
async def test_one_that_cannot_be_developed_holds_nobody_up(core, waiting, error):
    desk, (first, second) = Desk(core.database), waiting

    assert [await desk.next(fails_for(first, error)) for _ in range(3)] == [True, True, False]

    rows = await core.database.rows(
        "select id, developed, attempts, failure is null from development.exposures order by id",
        (),
    )
    assert rows == [(first, False, 1, False), (second, True, 0, True)]


async def test_an_outage_costs_no_attempt(core, waiting):
    desk, (first, _) = Desk(core.database), waiting

    with pytest.raises(Unavailable):
        await desk.next(fails_for(first, Unavailable(dependency="objects")))

    rows = await core.database.rows("select max(attempts) from development.exposures", ())
    assert rows == [(0,)]
