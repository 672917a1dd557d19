"""Proving who somebody is: by the password, and by the second factor where there is one."""

from uuid import UUID

import msgspec

from commands.credentials import Passwords
from commands.guesses import Guesses
from commands.ports import Clock
from commands.second_factor import SecondFactors, answered
from domain.ids import AccountId
from domain.refusals import SecondFactorRequired, Unauthenticated


class Claimant(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId | None
    """None where nobody is called so: it costs and answers the same as a wrong password."""
    subject: UUID
    """What was named, if it was an account or not: guesses are counted by it."""
    client: str = ""


class Prover(msgspec.Struct, frozen=True, kw_only=True):
    passwords: Passwords
    factors: SecondFactors
    guesses: Guesses
    now: Clock

    async def by_password(self, who: Claimant, password: str) -> None:
        """Raises Unauthenticated or RateLimited."""
        await self.guesses.begin(who.subject, who.client)
        if not await self.passwords.verify(who.account_id, password):
            raise Unauthenticated
        await self.guesses.right(who.subject, who.client)

    async def by_both(self, who: Claimant, password: str, code: str | None) -> None:
        """The same; SecondFactorRequired, to whoever knows the password, where the code is missing.

        A code counts as a guess until it is right, so it cannot be tried out either.
        """
        await self.guesses.begin(who.subject, who.client)
        if not await self.passwords.verify(who.account_id, password):
            raise Unauthenticated
        refusal = await self._second(who.account_id, code)
        if refusal is None or isinstance(refusal, SecondFactorRequired):
            await self.guesses.right(who.subject, who.client)
        if refusal:
            raise refusal

    async def by_code(self, who: Claimant, code: str) -> None:
        """Of a factor that may not be confirmed yet. Raises Unauthenticated or RateLimited."""
        await self.guesses.begin(who.subject, who.client)
        if not await self._fits(who.account_id, code):
            raise Unauthenticated
        await self.guesses.right(who.subject, who.client)

    async def _second(
        self, account_id: AccountId | None, code: str | None
    ) -> Unauthenticated | SecondFactorRequired | None:
        assert account_id is not None, "whoever has a password is somebody"
        factor = await self.factors.find(account_id)
        if factor is None or not factor.confirmed:
            return None
        if not code:
            return SecondFactorRequired()
        fits = await answered(self.factors, account_id, factor, code, self.now())
        return None if fits else Unauthenticated()

    async def _fits(self, account_id: AccountId | None, code: str) -> bool:
        factor = await self.factors.find(account_id) if account_id else None
        if account_id is None or factor is None:
            return False
        return await answered(self.factors, account_id, factor, code, self.now())
