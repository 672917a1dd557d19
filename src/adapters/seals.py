"""Sealing the log, and reading it back with its seals."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.errors import UniqueViolation

from adapters.database import Database
from projections.audit import UNHASHED, Seal, Signer, Stored, seal

BATCH = 1_000
PAGE = 10_000
"""Events that are looked at in one go."""


class Ed25519Signer:
    """The Signer port, with the instance's key for it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key()
        self.public_key = self._public.public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def signed(self, message: bytes, signature: bytes) -> bool:
        try:
            self._public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Sealer:
    """Off the hot path: positions appear in the order of commits, so what is behind is final."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database = database
        self._signer = signer

    async def work(self) -> int:
        """Seal what is new, one batch. Returns how many events that were."""
        previous = await last_seal(self._database)
        rows = await self._database.rows(_NEW, (UNHASHED, previous.last if previous else 0, BATCH))
        if not rows:
            return 0
        made = seal(previous, [(position, hash) for position, hash in rows], self._signer)
        with suppress(UniqueViolation):  # somebody else sealed them
            await self._database.write(
                _KEEP, (made.number, made.last, len(rows), made.leaves, made.hash, made.signature)
            )
        return len(rows)

    async def all(self) -> Seal | None:
        """Seal to the end of the log. Returns the last seal."""
        while await self.work():
            pass
        return await last_seal(self._database)


async def last_seal(database: Database) -> Seal | None:
    rows = await database.rows(_LAST)
    return _seal(rows[0]) if rows else None


async def seals(database: Database) -> AsyncIterator[tuple[Seal, Sequence[Stored]]]:
    """Each seal, in order, with the events that stand behind the one before, up to its last."""
    number, position = 0, 0
    while rows := await database.rows(_SEALS, (number, PAGE, number + 1)):
        page = [_seal(row) for row in rows]
        events = await _events(database, position, page[-1].last)
        begin = 0
        for it in page:
            end = begin
            while end < len(events) and events[end].position <= it.last:
                end += 1
            yield it, events[begin:end]
            begin, number, position = end, it.number, it.last


async def unsealed(database: Database, after: int) -> AsyncIterator[Sequence[Stored]]:
    while page := await _events(database, after, 2**62, PAGE):
        yield page
        after = page[-1].position


async def _events(
    database: Database, after: int, upto: int, limit: int = 2**62
) -> Sequence[Stored]:
    rows = await database.rows(_EVENTS, (after, upto, limit))
    return [Stored(*row) for row in rows]


def _seal(row: Sequence[object]) -> Seal:
    return Seal(**dict(zip(_COLUMNS, row, strict=True)))  # type: ignore[arg-type]  # in that order


_COLUMNS = ("number", "last", "leaves", "hash", "signature")
_SEAL = ", ".join(_COLUMNS)
_LAST = f"select {_SEAL} from log.seals order by number desc limit 1"  # noqa: S608 - our own names
_NEW = """
    select notification_id, coalesce(hash, %s) from log.darkroom_events
    where notification_id > %s order by notification_id limit %s"""
_KEEP = """
    insert into log.seals (number, last, count, leaves, hash, signature)
    values (%s, %s, %s, %s, %s, %s)"""
_SEALS = f"""
    select {_SEAL} from (
        select *, sum(count) over (order by number) as events from log.seals
        where number > %s order by number limit 1000
    ) s where events <= %s or number = %s order by number"""  # noqa: S608 - our own names
_EVENTS = """
    select notification_id, originator_id, originator_version, topic, state, hash
    from log.darkroom_events where notification_id > %s and notification_id <= %s
    order by notification_id limit %s"""
