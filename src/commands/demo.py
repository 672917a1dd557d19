"""Images as people might have put them there: for trials and benchmarks, the same for one seed."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from commands.ports import Batch
from domain import image_events
from domain.access import Visibility
from domain.account import AccountRegistered, Identity
from domain.ids import AccountId, ImageId, uuid7
from domain.media import Content, Format
from domain.stream import Event

TOGETHER = 100
"""Images in one append: all of one owner."""

_TITLES: Sequence[tuple[Sequence[str], Sequence[str]]] = (
    (
        ("Sunset", "Morning", "Rain", "A walk", "Storm", "First snow", "Fog", "Market day"),
        ("over the lake", "in the old town", "at Cape Cod", "by the harbour", "in the Alps"),
    ),
    (
        ("Sommerurlaub", "Wanderung", "Frühling", "Straßenfest", "Hütte", "Nebel"),
        ("am See", "in den Bergen", "an der Küste", "im Garten", "über München"),
    ),
    (
        ("Soirée", "Coucher de soleil", "Marché", "L'été", "Forêt"),
        ("à Paris", "en Bretagne", "près du lac", "à l'aube"),
    ),
    (("京都", "東京", "海", "雪", "祭り"), ("の写真", "の朝", "の夕日", "にて")),
    (("🏖️ Beach day", "🎉 Party", "🌸 Blossom", "🐈 Cat"), ("2024", "with friends", "at home")),
)
_WORDS = (
    *("lake", "sea", "snow", "city", "night", "family", "cat", "dog", "food", "forest", "garden"),
    *("travel", "portrait", "street", "concert", "wedding", "birthday", "hike", "train", "bridge"),
)
TAGS = tuple(
    f"{word}-{year}" if year else word for year in (0, *range(2017, 2026)) for word in _WORDS
)
"""The first are used most, as it is among people."""
_COMMON = tuple(1 / (rank + 1) for rank in range(len(TAGS)))
_VISIBILITIES = (Visibility.PUBLIC, Visibility.PRIVATE, Visibility.UNLISTED)
YEAR = timedelta(days=365)


class Original(msgspec.Struct, frozen=True):
    """A small picture that many images share the bytes of."""

    body: bytes
    width: int
    height: int


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """Images of one owner that are written together, as if at one moment."""

    owner_id: AccountId
    at: datetime
    batches: Sequence[Batch]
    originals: Sequence[tuple[ImageId, UUID, Original]]
    """With the attempt that is part of the original's key."""


class Demo:
    """What it makes depends on the seed alone, and on `until`, which its year ends at."""

    def __init__(self, seed: int, originals: Sequence[Original], until: datetime) -> None:
        self._seed = seed
        self._originals = originals
        self._until = until

    def accounts(self, number: int) -> Iterator[tuple[AccountId, AccountRegistered]]:
        chosen = random.Random(f"{self._seed} accounts")  # noqa: S311 - no secret
        for n in range(number):
            name = f"demo-{self._seed}-{n}"
            identity = Identity(username=name, email=f"{name}@demo.invalid")
            id = AccountId(self._id(chosen, self._until - YEAR))
            yield id, AccountRegistered(plan="free", quota_bytes=2**40, personal=identity)

    def lots(self, owners: Sequence[AccountId], images: int) -> Iterator[Lot]:
        """As evenly as can be over the owners, and over a year."""
        chosen = random.Random(f"{self._seed} images")  # noqa: S311 - no secret
        each = max(min(TOGETHER, images // len(owners)), 1)
        for begin in range(0, images, each):
            owner = owners[begin // each % len(owners)]
            at = self._until - YEAR + YEAR * begin / images
            yield self._lot(chosen, owner, at, min(each, images - begin))

    def _lot(self, chosen: random.Random, owner: AccountId, at: datetime, number: int) -> Lot:
        batches, originals = list[Batch](), list[tuple[ImageId, UUID, Original]]()
        for _ in range(number):
            id, attempt = ImageId(self._id(chosen, at)), self._id(chosen, at)
            original = chosen.choice(self._originals)
            events = self._life(chosen, owner, at, attempt, original)
            batches.append(Batch(stream_id=id, after=0, events=events))
            originals.append((id, attempt, original))
        return Lot(owner_id=owner, at=at, batches=batches, originals=originals)

    def _life(
        self,
        chosen: random.Random,
        owner: AccountId,
        at: datetime,
        attempt: UUID,
        original: Original,
    ) -> Sequence[Event]:
        first, second = chosen.choice(_TITLES)
        title = f"{chosen.choice(first)} {chosen.choice(second)}"
        tags = tuple(dict.fromkeys(chosen.choices(TAGS, _COMMON, k=chosen.randint(1, 5))))
        number = chosen.randint(1, 9_999)
        checksum = sha256(original.body).hexdigest()
        content = Content(checksum=checksum, width=original.width, height=original.height)
        (visibility,) = chosen.choices(_VISIBILITIES, (7, 2, 1))
        return [
            image_events.UploadInitiated(
                owner_id=owner,
                size=len(original.body),
                content_type="image/jpeg",
                expires_at=at + timedelta(days=1),
                personal=image_events.Promised(filename=f"IMG_{number:04}.jpg"),
            ),
            image_events.ImageFinalized(
                attempt=attempt,
                format=Format.JPEG,
                size=len(original.body),
                visibility=visibility,
                personal=content,
            ),
            image_events.ImageCleared(scanner="demo"),
            image_events.DetailsChanged(personal=image_events.Details(title=title, tags=tags)),
        ]

    def _id(self, chosen: random.Random, at: datetime) -> UUID:
        return uuid7(at, chosen.randbytes(10))
