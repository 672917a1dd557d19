"""How far each projection has come; how a writer reads its own writes."""

from typing import Protocol

CORE = frozenset({"gallery", "accounts"})
"""The projections that every answer to a write waits for."""


def news(projection: str) -> str:
    """The name under which it is told where it last stood at an event that concerned it."""
    return f"{projection}+"


class Positions(Protocol):
    async def reached(
        self, position: int, projections: frozenset[str] = CORE, *, within: float = 2.0
    ) -> bool:
        """Wait until all of them stand at `position` or beyond; False after `within` seconds."""
        ...

    async def heard(self, projection: str, beyond: int, *, within: float) -> bool:
        """Wait for the announcement that it stands beyond; nobody is asked. False if late."""
        ...

    def current(self, projection: str) -> int:
        """Where it stood when last heard of; costs nothing."""
        ...
