"""An installation that an older version made: what its read models lack is built from the log."""

from uuid import uuid4

from adapters.read_model import ReadModel
from bootstrap import upkeep
from projections.projection import ALL, PROJECTIONS
from tests.adapters.test_following import opened, write


async def test_so_is_one_that_lacks_a_column_or_a_table_beside_its_documents(core, settings):
    async with core.database.connection() as connection:
        for change in (
            "alter table development.prints drop column recipe cascade",
            "drop table development.traits cascade",
        ):
            await connection.execute(change.encode())
            assert not await ReadModel(PROJECTIONS["development"]).fits(connection)
            await upkeep.prepare(settings)
            assert await ReadModel(PROJECTIONS["development"]).fits(connection)


async def test_a_read_model_without_a_new_column_is_built_anew(core, settings):
    image = uuid4()
    await write(core, image, opened())
    async with core.database.connection() as connection:
        await connection.execute("alter table gallery.images drop column epoch")
        assert not await ReadModel(PROJECTIONS["gallery"]).fits(connection)

        await upkeep.prepare(settings)

        assert all([await ReadModel(projection).fits(connection) for projection in ALL])
    assert await core.database.rows("select id, epoch from gallery.images") == [(image, 0)]
