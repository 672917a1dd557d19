"""What the CDN must forget: whatever fewer may see, or sees otherwise, than when it was kept."""

from collections.abc import Sequence

from domain.account import SettingsChanged
from domain.image_events import (
    DetailsChanged,
    ImageQuarantined,
    Purged,
    SoftDeleted,
    TakenDown,
    VisibilityChanged,
)
from domain.stream import Event, tag

NAME = "edge"
CHANGES: Sequence[type[Event]] = (
    VisibilityChanged,
    SoftDeleted,
    TakenDown,
    ImageQuarantined,
    Purged,
    DetailsChanged,
    SettingsChanged,
)
"""Shares, signed URLs and albums are not among them: what they open, no CDN keeps."""
TOPICS = frozenset(tag(change) for change in CHANGES)
