"""Back to how it was at a moment: what compensates, appended; nothing of the past is touched.

Restored is what people wrote and put in order: texts, tags, places in albums, what was thrown away
since. Who may see something is never made wider by it: visibility, shares and collaborators stay.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from domain import account, album, image, placing
from domain.access import Circle
from domain.account import Account, AccountEvent, SettingsChanged
from domain.album import Album, AlbumEvent, AlbumText
from domain.ids import AccountId, AlbumId
from domain.image import Image
from domain.image_events import Details, ImageEvent
from domain.refusals import CannotBeUndone, ChangedSince

Step = Callable[[Image], Sequence[ImageEvent]]


def image_as(
    state: Image | None, then: Image | None, *, by: AccountId, now: datetime
) -> list[ImageEvent]:
    """One that was not there yet, or was in the trash, is left as it is."""
    if state is None or then is None or not then.live:
        return []
    if state.purged:
        raise CannotBeUndone
    details = _every(then.details)
    steps: list[Step] = [lambda it: image.restore(it, by=by, now=now)]
    if _every(state.details) != details:
        steps.append(lambda it: image.change_details(it, by=by, details=details, now=now))
    return _all(state, steps)


def image_back(
    state: Image | None, then: Image | None, *, by: AccountId, now: datetime, retention: timedelta
) -> list[ImageEvent]:
    """To how it was before `image_as`: in the trash again, if it was there."""
    if state is None or then is None:
        return []
    if state.purged:
        raise CannotBeUndone
    details, steps = _every(then.details), list[Step]()
    if _every(state.details) != details:
        steps.append(lambda it: image.change_details(it, by=by, details=details, now=now))
    if state.live and not then.live:
        steps.append(lambda it: image.soft_delete(it, by=by, now=now, retention=retention))
    return _all(state, steps)


def inside_as(
    state: Image | None,
    then: Image | None,
    *,
    album_id: AlbumId,
    circle: Circle | None,
    by: AccountId,
    now: datetime,
) -> list[ImageEvent]:
    """In the album if it was in it then, and not if it was not."""
    if state is None or state.purged or not state.live:
        return []
    was = then is not None and album_id in then.album_ids
    if was is (album_id in state.album_ids):
        return []
    decide = placing.put if was else placing.take_out
    return decide(state, by=by, album_id=album_id, album=circle, now=now)


def album_as(
    state: Album | None, then: Album | None, *, by: AccountId, now: datetime
) -> list[AlbumEvent]:
    """Its texts and its order. A cover is chosen anew where it went."""
    if then is None or then.deleted:
        return []
    if state is None or state.deleted:
        raise CannotBeUndone
    text = AlbumText(title=then.title, description=then.description)
    events = album.describe(state, by=by, text=text, now=now)
    return events + album.arrange(state, by=by, image_ids=then.arranged, now=now)


def account_as(state: Account | None, then: Account | None) -> list[AccountEvent]:
    """Its settings, but for those that show more than they do now."""
    if state is None or then is None:
        return []
    to = SettingsChanged(notify=then.notify, duplicates=then.duplicates)
    return account.change_settings(state, to=to)


def heed(state: Any, before: Any, after: Any) -> None:
    """Raises ChangedSince where somebody has changed what led from `before` to `after`."""
    for name in _RESTORED:
        then, done, now = (getattr(it, name, None) for it in (before, after, state))
        if then != done != now:
            raise ChangedSince


_RESTORED = (
    *("details", "purge_after", "album_ids"),
    *("title", "description", "arranged"),
    *("notify", "duplicates"),
)
"""Of images, of albums, of accounts."""


def _every(details: Details) -> Details:
    """Each field said: what nobody wrote is empty."""
    return Details(
        title=details.title or "",
        description=details.description or "",
        tags=details.tags or (),
        custom=details.custom or {},
    )


def _all(state: Image, steps: Sequence[Step]) -> list[ImageEvent]:
    """Each on what the ones before lead to."""
    events: list[ImageEvent] = []
    for step in steps:
        events += step(reduce(image.evolve, events, state))
    return events
