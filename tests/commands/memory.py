"""The ports that commands lean on, in memory."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from commands.mail import Letter
from commands.ports import Batch, Guard, StreamMoved
from commands.second_factor import Factor
from commands.sessions import Device, Session
from domain.ids import AccountId, SessionId
from domain.stream import Recorded
from tests.spec import NOW, OWNER


class MemorySharePasswords:
    """The SharePasswords port."""

    def __init__(self) -> None:
        self.kept: dict[UUID, tuple[UUID, str]] = {}

    async def keep(self, share_id: UUID, of: UUID, password: str) -> None:
        self.kept.setdefault(share_id, (of, password))

    async def fits(self, share_id: UUID, password: str) -> bool:
        return self.kept.get(share_id, (None, None))[1] == password

    async def forget(self, share_id: UUID) -> None:
        self.kept.pop(share_id, None)


class MemoryStore:
    """The EventStore port; `rivals` append first, one before each of our appends."""

    def __init__(self) -> None:
        self.streams: dict[UUID, list[Recorded[Any]]] = {}
        self.guards: list[Guard] = []
        self.appended: list[Sequence[Batch]] = []
        self.rivals: list[Batch] = []
        self.broken: Exception | None = None
        self.position = 0

    def within(self, operation: UUID) -> "MemoryStore":
        raise NotImplementedError  # operations are tested on the real log

    async def load(self, stream_id: UUID) -> Sequence[Recorded[Any]]:
        return list(self.streams.get(stream_id, ()))

    async def append(
        self, batches: Sequence[Batch], *, by: AccountId, guards: Sequence[Guard] = ()
    ) -> int:
        if self.broken:
            raise self.broken
        if self.rivals:
            self.record(self.rivals.pop(0), by=by)
        if any(batch.after != len(self.streams.get(batch.stream_id, ())) for batch in batches):
            raise StreamMoved
        self.appended.append(batches)
        self.guards += guards
        for batch in batches:
            self.record(batch, by=by)
        return self.position

    def record(self, batch: Batch, *, by: AccountId = OWNER) -> None:
        stream = self.streams.setdefault(batch.stream_id, [])
        for event in batch.events:
            self.position += 1
            stream.append(
                Recorded(
                    stream_id=batch.stream_id,
                    version=len(stream) + 1,
                    at=NOW + timedelta(seconds=self.position),
                    by=by,
                    event=event,
                    position=self.position,
                )
            )

    def begun(self, stream_id: UUID, *events: Any) -> "MemoryStore":
        """With this history."""
        self.record(Batch(stream_id=stream_id, after=0, events=events))
        return self

    def events(self, stream_id: UUID) -> list[Any]:
        return [recorded.event for recorded in self.streams.get(stream_id, ())]


class MemoryPasswords:
    """The Passwords port, in the clear."""

    def __init__(self) -> None:
        self.kept: dict[AccountId, str] = {}
        self.asked: list[AccountId | None] = []

    async def set(self, account_id: AccountId, password: str) -> None:
        self.kept[account_id] = password

    async def verify(self, account_id: AccountId | None, password: str) -> bool:
        self.asked.append(account_id)
        return account_id is not None and self.kept.get(account_id) == password

    async def forget(self, account_id: AccountId) -> None:
        self.kept.pop(account_id, None)


class MemorySessions:
    """The Sessions port, as far as logging in goes."""

    async def open(self, account_id: AccountId, device: Device) -> Session:
        return Session(account_id=account_id, family=SessionId(account_id), refresh_token="")


class MemoryDevices:
    """The Devices port: nobody was ever here before."""

    async def news(self, account_id: AccountId, device: Device) -> bool:
        return False


class MemoryLetters:
    """The Letters port: the same letter once."""

    def __init__(self) -> None:
        self.posted: dict[UUID, Letter] = {}

    async def post(self, letter: Letter) -> None:
        self.posted.setdefault(letter.id, letter)


class MemoryFactors:
    """The SecondFactors port."""

    def __init__(self) -> None:
        self.kept: dict[AccountId, Factor] = {}
        self.steps: dict[AccountId, int] = {}
        self.codes: set[tuple[AccountId, str]] = set()

    async def find(self, account_id: AccountId) -> Factor | None:
        return self.kept.get(account_id)

    async def propose(self, account_id: AccountId, secret: bytes) -> None:
        self.kept[account_id] = Factor(secret=secret, confirmed=False)

    async def use(self, account_id: AccountId, step: int) -> bool:
        fresh = step > self.steps.get(account_id, 0)
        self.steps[account_id] = max(step, self.steps.get(account_id, 0))
        return fresh

    async def confirm(self, account_id: AccountId, recovery_codes: Sequence[str]) -> None:
        self.kept[account_id] = Factor(secret=self.kept[account_id].secret, confirmed=True)
        self.codes = {(account_id, code) for code in recovery_codes}

    async def recover(self, account_id: AccountId, recovery_code: str) -> bool:
        known = (account_id, recovery_code) in self.codes
        self.codes.discard((account_id, recovery_code))
        return known

    async def forget(self, account_id: AccountId) -> None:
        self.kept.pop(account_id, None)


class PlainHasher:
    """The Hasher port: case is no matter."""

    def claim_id(self, kind: str, name: str) -> UUID:
        return uuid5(UUID(int=0), f"{kind}:{name.casefold()}")
