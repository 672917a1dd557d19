"""Meilisearch, by its official client: its calls in threads, its tasks awaited in batches."""

import asyncio
from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import Any, TypeVar

from meilisearch import Client
from meilisearch.errors import (
    MeilisearchApiError,
    MeilisearchCommunicationError,
    MeilisearchTimeoutError,
)
from meilisearch.index import Index
from meilisearch.models.task import TaskInfo

from domain.refusals import Unavailable

T = TypeVar("T")

SOON, LATER = 2, 60
"""Seconds that an answer is waited for: by somebody who searches, by what writes."""
POLL = 0.05
_MISSING = "index_not_found"
_UNSET = {"invalid_search_filter", "invalid_search_facets"}
"""What an index answers until its settings are done; we ask for what they allow."""


class IndexMissing(Exception):
    """There is no such index: nobody has made it yet, or the server's data were wiped."""


class TaskFailed(Exception):
    """The server did not do what it had taken on; its reason."""


class Meili:
    def __init__(self, url: str, key: str, *, timeout: int = SOON) -> None:
        self._url = url
        self._key = key
        self._timeout = timeout

    async def index(self, uid: str, call: Callable[[Index], T]) -> T:
        """Raises Unavailable, IndexMissing, or MeilisearchApiError for a mistake of ours."""
        return await self.client(lambda client: call(client.index(uid)))

    async def client(self, call: Callable[[Client], T]) -> T:
        """A client of its own for each call: they share headers, which threads must not."""
        client = Client(self._url, self._key or None, timeout=self._timeout)
        try:
            return await asyncio.to_thread(call, client)
        except (MeilisearchCommunicationError, MeilisearchTimeoutError) as error:
            raise Unavailable(dependency="search") from error
        except MeilisearchApiError as error:
            if error.code == _MISSING:
                raise IndexMissing from error
            if error.code is None or error.code in _UNSET or _away(error.status_code):
                raise Unavailable(dependency="search") from error
            raise

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


def _away(status: int) -> bool:
    """Not able to answer, or not willing to answer us: its key is another by now."""
    return status >= 500 or status in (401, 403, 429)


def _raise(error: dict[str, Any]) -> None:
    if error.get("code") == _MISSING:
        raise IndexMissing
    raise TaskFailed(error.get("message", "canceled"))
