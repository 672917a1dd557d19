"""What happened, step by step: what each event changed, and how it was at any moment."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.access import Visibility
from domain.image_events import (
    Cause,
    Details,
    DetailsChanged,
    Purged,
    SoftDeleted,
    VisibilityChanged,
)
from projections import gallery
from projections.history import document, moment, steps, until
from tests.domain.test_image import finalized, initiated
from tests.spec import LATER, NOW, recorded

STORY = [
    replace(it, at=NOW + timedelta(days=it.version), position=10 * it.version)
    for it in recorded(
        initiated,
        finalized,
        DetailsChanged(personal=Details(title="Lake")),
        VisibilityChanged(visibility=Visibility.PUBLIC),
        DetailsChanged(personal=Details(title="See")),
        SoftDeleted(purge_after=LATER),
        Purged(cause=Cause.OWNER),
    )
]


def test_each_step_says_what_it_changed():
    changes = [step.changes for step in steps(gallery.project, STORY)]

    assert changes[2] == {"title": ("", "Lake")}
    assert changes[3] == {"visibility": ("private", "public")}
    assert changes[4] == {"title": ("Lake", "See")}
    assert set(changes[5]) == {"deleted_at", "purge_after"}
    assert changes[6] == {}, "what is gone has no fields"


@pytest.mark.parametrize(
    ("at", "title"),
    [
        ("0", None),
        ("20", ""),
        ("30", "Lake"),
        ("49", "Lake"),
        ("50", "See"),
        ("70", None),
        ("2026-01-01", None),
        ("2026-01-05T12:00:00Z", "Lake"),
        ("2026-01-05T14:00:00+02:00", "Lake"),
        ("2026-01-06T12:00:00", "See"),
    ],
)
def test_it_is_as_it_was(at, title):
    card = document(gallery.project, until(STORY, moment(at)))

    assert (card.title if card else None) == title


@pytest.mark.parametrize("text", ["yesterday", "-1", "٣", str(2**63), "2026-13-01", "1.5"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError):
        moment(text)
