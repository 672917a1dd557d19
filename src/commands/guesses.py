"""Guessing passwords: so many wrong ones for an account and an address, whoever it belongs to."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from commands.limits import Limiter, refusal
from domain.limits import Policy

PAIR = Policy("wrong-passwords", 10, 600)
ADDRESS = Policy("wrong-passwords-of-an-address", 100, 600)
ACCOUNT = Policy("wrong-passwords-for-an-account", 100, 3_600)
"""From wherever. So high that a stranger has to work to keep the owner out."""


class Guesses:
    """Counts by what was asked for, known or not: a refusal tells nothing about who exists."""

    def __init__(self, limiter: Limiter | None) -> None:
        self._limiter = limiter
        """None where nothing is limited."""

    async def begin(self, subject: UUID, client: str) -> None:
        """Before it is known whether it is right, so that many at once are no way round.

        Raises RateLimited, and Unavailable where nothing can be counted.
        """
        if self._limiter is None:
            return
        for policy, key in _keys(subject, client):
            count = await self._limiter.take(policy, key)
            if not count.granted:
                raise refusal(count)

    async def right(self, subject: UUID, client: str) -> None:
        """It was none."""
        if self._limiter is not None:
            keys = _keys(subject, client)
            await asyncio.gather(*(self._limiter.give_back(*it) for it in keys))


def _keys(subject: UUID, client: str) -> Sequence[tuple[Policy, str]]:
    pair = (PAIR, f"{subject.hex} {client}")
    return (pair, (ADDRESS, client), (ACCOUNT, subject.hex))
