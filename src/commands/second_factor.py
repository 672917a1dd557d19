"""A second factor: an app that shows codes, and recovery codes for when it is lost."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from domain import totp
from domain.ids import AccountId

RECOVERY_CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none is taken for another


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    secret: bytes
    confirmed: bool
    """It was once shown to work: only then it is asked for."""


class SecondFactors(Protocol):
    async def find(self, account_id: AccountId) -> Factor | None: ...

    async def propose(self, account_id: AccountId, secret: bytes) -> None:
        """To be confirmed; changes nothing where one is confirmed."""
        ...

    async def use(self, account_id: AccountId, step: int) -> bool:
        """False if a code of that step, or of a later one, was used before."""
        ...

    async def confirm(self, account_id: AccountId, recovery_codes: Sequence[str]) -> None:
        """From now on it is asked for. Earlier recovery codes are worth nothing."""
        ...

    async def recover(self, account_id: AccountId, recovery_code: str) -> bool:
        """Whether it was one of the codes; it is none any more."""
        ...

    async def forget(self, account_id: AccountId) -> None: ...


def recovery_codes() -> list[str]:
    """50 bits each: more than can be guessed at ten a while."""
    return ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]


async def answered(
    factors: SecondFactors, account_id: AccountId, factor: Factor, given: str, now: datetime
) -> bool:
    """Whether it is the code of this moment, not used before, or a recovery code."""
    plain = given.replace(" ", "").replace("-", "").lower()
    if (step := totp.matching(factor.secret, plain, now)) is not None:
        return await factors.use(account_id, step)
    return factor.confirmed and await factors.recover(account_id, plain)
