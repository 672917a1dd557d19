"""The Blocklist port over the read model, and over what images are known by."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from adapters.database import Database
from adapters.likeness import QUARTERS, quarters
from adapters.listed import listed
from domain.block import NEAR
from domain.ids import ImageId
from projections.blocklist import Blocked, Page

_ENTRY = msgspec.json.Decoder(Blocked)


class PostgresBlocklist:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> Blocked | None:
        rows = await self._database.rows(f"{_SELECT} where e.id = %s", (id,))
        return _ENTRY.decode(rows[0][0]) if rows else None

    async def list(self, *, limit: int, page: int, cursor: str | None) -> Page:
        entries, total, following = await listed(
            self._database,
            _ENTRY,
            table="blocklist.entries",
            at="added_at",
            limit=limit,
            page=page,
            cursor=cursor,
        )
        return Page(entries=entries, total=total, next_cursor=following)

    async def looks(self, fingerprint: int) -> UUID | None:
        """They are few: each is compared."""
        rows = await self._database.rows(_LOOKS, {"mine": fingerprint, "near": NEAR})
        return rows[0][0] if rows else None

    async def holders(self, checksum: str) -> Sequence[ImageId]:
        rows = await self._database.rows(_HOLDERS, (checksum,))
        return [ImageId(id) for (id,) in rows]

    async def lookalikes(self, fingerprint: int) -> Sequence[ImageId]:
        asked = quarters(fingerprint, NEAR) | {"mine": fingerprint, "within": NEAR}
        rows = await self._database.rows(_LOOKALIKES, asked)
        return [ImageId(id) for (id,) in rows]


_SELECT = "select row_to_json(e)::text from blocklist.entries e"
_LOOKS = """
    select id from blocklist.entries
    where manner = 'perceptual'
        and bit_count((fingerprint # %(mine)s::bigint)::bit(64)) <= %(near)s
    order by bit_count((fingerprint # %(mine)s::bigint)::bit(64)) limit 1"""
_HOLDERS = """
    select id from gallery.images
    where checksum = %s and attempt is not null and not quarantined"""
_LOOKALIKES = f"""
    select t.id from development.traits t join gallery.images i on i.id = t.id
    where ({QUARTERS}) and not i.quarantined
    and bit_count((t.fingerprint # %(mine)s::bigint)::bit(64)) <= %(within)s"""  # noqa: S608 - our own words
