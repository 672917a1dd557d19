"""Meilisearch, by its official client: its calls in threads, its tasks awaited in batches."""

import asyncio
from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import Any, TypeVar

from meilisearch import Client
from meilisearch.errors import MeilisearchApiError, MeilisearchError
from meilisearch.index import Index
from meilisearch.models.task import TaskInfo

from domain.refusals import Unavailable

T = TypeVar("T")

SOON, LATER = 2, 60
"""Seconds that an answer is waited for: by somebody who searches, by what writes."""
POLL = 0.05
_MISSING = "index_not_found"


class IndexMissing(Exception):
    """There is no such index: nobody has made it yet, or the server's data were wiped."""


class TaskFailed(Exception):
    """The server did not do what it had taken on; its reason."""


class Meili:
    def __init__(self, url: str, key: str, *, timeout: int = SOON) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._timeout = timeout

    async def index(self, uid: str, call: Callable[[Index], T]) -> T:
        """Raises Unavailable or IndexMissing."""
        return await self.client(lambda client: call(client.index(uid)))

    async def client(self, call: Callable[[Client], T]) -> T:
        """A client of its own for each call: they share headers, which threads must not.

        Whatever comes back that is no answer is an outage: another key, a full queue, settings that
        are not done yet, somebody else's page. Raises Unavailable or IndexMissing.
        """
        client = Client(self._url, self._key or None, timeout=self._timeout)
        try:
            return await asyncio.to_thread(call, client)
        except (MeilisearchError, OSError) as error:
            if isinstance(error, MeilisearchApiError) and error.code == _MISSING:
                raise IndexMissing from error
            raise Unavailable(dependency="search") from error

    async def done(self, tasks: Sequence[TaskInfo]) -> None:
        """All of them, asked for at once. Raises TaskFailed, IndexMissing or Unavailable."""
        waiting = {task.task_uid for task in tasks}
        while waiting:
            asked = {"uids": [str(uid) for uid in sorted(waiting)], "limit": str(len(waiting))}
            found: Any = await self.client(methodcaller("get_tasks", asked))
            for task in found.results:
                if task.status in ("failed", "canceled"):
                    _raise(task.error or {})
                if task.status == "succeeded":
                    waiting.discard(task.uid)
            if waiting:
                await asyncio.sleep(POLL)


def _raise(error: dict[str, Any]) -> None:
    if error.get("code") == _MISSING:
        raise IndexMissing
    raise TaskFailed(error.get("message", "canceled"))
