"""Given a history, when a decision is asked for, then these events, or this refusal."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.ids import AccountId, ImageId, ShareId
from domain.refusals import Refusal
from domain.stream import Event, Recorded, fold

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=10)
MUCH_LATER = NOW + timedelta(days=100)
OWNER = AccountId(UUID(int=1))
STRANGER = AccountId(UUID(int=2))
FRIEND = AccountId(UUID(int=3))
IMAGE = ImageId(UUID(int=10))
TWIN = ImageId(UUID(int=11))
SHARE = ShareId(UUID(int=20))
ATTEMPT, ANOTHER = UUID(int=30), UUID(int=31)


def recorded(*events: Event, by: UUID = OWNER, stream_id: UUID = IMAGE) -> list[Recorded[Any]]:
    return [
        Recorded(stream_id=stream_id, version=version, at=NOW, by=by, event=event, position=version)
        for version, event in enumerate(events, start=1)
    ]


class Given:
    def __init__(self, evolve: Callable[..., Any], *events: Event) -> None:
        self._state = fold(evolve, recorded(*events))

    def when(self, decide: Callable[..., Sequence[Event]], **arguments: Any) -> "Given":
        self._decide = lambda: decide(self._state, **arguments)
        return self

    def then(self, *events: Event) -> None:
        assert list(self._decide()) == list(events)

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, refusal: type[Refusal], **facts: object) -> None:
        with pytest.raises(refusal) as caught:
            self._decide()
        assert caught.value.facts.items() >= facts.items()


def anybody() -> AccountId:
    return AccountId(uuid4())
