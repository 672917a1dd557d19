"""What the plan of an account allows of a command, and no more."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from commands.transfers import Allowances, require
from domain.ids import AccountId
from domain.media import Caps
from domain.plan import Plan


class PlanOf(Protocol):
    async def __call__(self, account_id: AccountId) -> str | None:
        """The name of the plan; None where the account is not known yet."""
        ...


async def within_plan(
    command: Any,
    *,
    handler: Callable[..., Awaitable[Any]],
    plan_of: PlanOf,
    plans: Mapping[str, Plan],
    caps: Caps,
    allowances: Allowances,
) -> Any:
    """The handler, with the caps of whoever gives the command. No plan exceeds the installation.

    What goes into no album is its sender's: it is refused before it is sent where it would be more
    than may come in this month. The rest is refused once it is here.
    """
    plan = plans.get(await plan_of(command.by) or "")
    most = min(caps.file_bytes, plan.file_bytes) if plan and plan.file_bytes else caps.file_bytes
    size = command.size if hasattr(command, "size") else command.path.stat().st_size
    if command.album_id is None and size <= most:
        require(await allowances.uploads(command.by), size)
    return await handler(command, caps=msgspec.structs.replace(caps, file_bytes=most))
