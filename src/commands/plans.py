"""What the plan of an account allows of a command, and no more."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from commands.transfers import Allowances, require
from domain.ids import AccountId, AlbumId
from domain.media import Caps
from domain.plan import Plan


class Upload(Protocol):
    """A command that brings so many bytes."""

    @property
    def by(self) -> AccountId: ...
    @property
    def size(self) -> int: ...
    @property
    def album_id(self) -> AlbumId | None: ...


async def within_plan(
    command: Upload,
    *,
    handler: Callable[..., Awaitable[Any]],
    plans: Mapping[str, Plan],
    caps: Caps,
    allowances: Allowances,
) -> Any:
    """The handler, with the caps of whoever gives the command. No plan exceeds the installation.

    What goes into no album is its sender's: it is refused before it is sent where it would be more
    than may come in this month. The rest is refused once it is here.
    """
    allowance = await allowances.uploads(command.by)
    plan = plans.get(allowance.plan or "")
    most = min(caps.file_bytes, plan.file_bytes) if plan and plan.file_bytes else caps.file_bytes
    if command.album_id is None and command.size <= most:
        require(allowance, command.size)
    return await handler(command, caps=msgspec.structs.replace(caps, file_bytes=most))
