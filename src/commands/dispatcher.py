"""One door for every command."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Handler = Callable[[Any], Awaitable[Any]]


class Dispatcher:
    """Knows a handler for each type of command."""

    def __init__(self, handlers: Mapping[type, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, command: Any) -> Any:
        """What the command's handler answers."""
        return await self._handlers[type(command)](command)
