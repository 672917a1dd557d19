"""Tells NATS what anybody may see: the feed of who has no account, on subjects for programs."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog
from nats.aio.client import Client

from adapters import jetstream
from adapters.database import DOWN
from adapters.election import Election
from adapters.jetstream import GONE, Message, Names, Refused
from domain.refusals import Unavailable
from projections.feed import Feed, Told, Wanted
from projections.judging import Judge
from projections.positions import Positions

PAGE = 500
TURN = "announcer"
POLL = 1.0  # seconds without an announcement after which the log is asked
STANDBY = 1.0
REFILLED = 10_000
"""Positions at the end of the log that an empty stream is filled with again."""
PREVIOUS = "Darkroom-Previous"
"""The position of the message before: whoever has another one asks the feed what it missed."""

_log = structlog.get_logger()


class Announcer:
    """One works, others stand by; what keeps the order is the expected sequence.

    The stream's last message is the cursor. Everything is told in the order of positions, each
    position once; what was hidden when its turn came is not told later.
    """

    def __init__(
        self,
        election: Election,
        feed: Feed,
        judge: Judge,
        positions: Positions,
        nc: Client,
        names: Names,
    ) -> None:
        self._election = election
        self._feed = feed
        self._judge = judge
        self._positions = positions
        self._nc = nc
        self._names = names

    async def run(self) -> None:
        """For ever, through restarts of either server."""
        while True:
            try:
                if await self._election.won(TURN):
                    await self._lead()
            except (*DOWN, *GONE, Unavailable, Refused) as error:
                reason = str(error) or type(error).__name__
                _log.warning("announcer interrupted", reason=reason)
            await asyncio.sleep(STANDBY)

    async def _lead(self) -> None:
        position, previous, sequence = await self._start()
        while await self._election.won(TURN):
            jetstream.heed_cancellation()
            page = await self._feed.page(position, PAGE)
            if not page:
                await self._positions.heard("gallery", position, within=POLL)
                await self._still_there()
                continue
            told = await self._judge.told(None, page, Wanted())
            if told is None:
                continue
            if told:
                messages = self._messages(told, previous)
                sequence = await jetstream.publish_all(self._nc, messages, sequence=sequence)
                previous = told[-1].position
            position = page[-1].position or position

    async def _start(self) -> tuple[int, int, int]:
        """Behind which position to go on, what was told last (0: unknown), and the sequence."""
        js, head = self._nc.jetstream(), await self._feed.head()
        await jetstream.ensure_public_stream(js, self._names)
        last, sequence = await jetstream.public_cursor(js, self._names)
        if last is not None and last > head:  # of another life of the log
            await js.purge_stream(self._names.public_stream)
            last = None
        if last is None:
            return max(head - REFILLED, 0), 0, sequence
        return last, last, sequence

    async def _still_there(self) -> None:
        """Raises what a lost NATS looks like; a wiped one is filled again."""
        if not self._nc.is_connected:
            raise ConnectionError("NATS is away")
        await self._nc.jetstream().stream_info(self._names.public_stream)

    def _messages(self, told: Sequence[Told], previous: int) -> list[Message]:
        messages = list[Message]()
        for it in told:
            headers = {"Nats-Msg-Id": str(it.position), PREVIOUS: str(previous)}
            subject = self._names.public_subject(it.type)
            messages.append((subject, msgspec.json.encode(it), headers))
            previous = it.position
        return messages
