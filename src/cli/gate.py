"""`darkroom admin`, of the gate: quarantine, takedown, scanning again."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from adapters.scanning import PostgresScans
from bootstrap.administering import Office
from cli.admin import admin as admin
from cli.admin import identified, in_office, printed, reason_option
from cli.options import data_option, json_option
from commands.review import Confirm, Release, Requested, Rescan, RescanMany
from commands.takedown import ReinstateImage, TakeDown
from domain.ids import ImageId, to_text
from domain.image_events import Notice


def _acting(name: str, made: Callable[..., Any], words: str) -> None:
    """A command of the group that does one thing to one image."""

    @admin.command(name, help=words)
    @click.argument("image")
    @reason_option
    @data_option
    def act(image: str, reason: str, data: Path) -> None:
        image_id = ImageId(identified("img", image))

        async def do(at: Office) -> None:
            await at.dispatch(made(by=at.by, image_id=image_id, reason=reason))

        in_office(data, do)
        click.echo(f"{image}: done.")


def _taking_down(*, reason: str, **asked: Any) -> TakeDown:
    return TakeDown(notice=Notice(reason=reason), **asked)


_acting("takedown", _taking_down, "Close an image to everybody, at once; its owner is told why.")
_acting("reinstate-image", ReinstateImage, "Open an image again that was taken down.")
_acting("release", Release, "Let an image out of quarantine, whatever the scanner says.")
_acting("confirm", Confirm, "Leave an image in quarantine, and take it from the queue.")


@admin.command()
@click.option("--confirmed", is_flag=True, help="What was looked at, and stays there.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@data_option
@json_option
def quarantine(confirmed: bool, limit: int, data: Path, as_json: bool) -> None:
    """What waits for somebody to look at it, the newest first."""

    async def look(at: Office) -> list[dict[str, Any]]:
        scans = PostgresScans(at.core.database)
        found, _ = await scans.queue(confirmed=confirmed, page=1, limit=limit)
        return [
            {"imageId": to_text("img", it.id)} | _shown(msgspec.structs.asdict(it)) for it in found
        ]

    printed(in_office(data, look), as_json=as_json)


@admin.command()
@click.argument("image", required=False)
@click.option("--all", "everything", is_flag=True, help="Whatever has passed.")
@click.option("--since", type=click.DateTime(), help="What was uploaded since then (UTC).")
@reason_option
@data_option
def rescan(
    image: str | None, everything: bool, since: datetime | None, reason: str, data: Path
) -> None:
    """Scan again: one IMAGE, those --since a day, or --all; after new signatures, say."""
    if sum((image is not None, everything, since is not None)) != 1:
        raise click.UsageError("Say what: an image, --since, or --all.")

    async def do(at: Office) -> int:
        if image is not None:
            one = ImageId(identified("img", image))
            await at.dispatch(Rescan(by=at.by, image_id=one, reason=reason))
            return 1
        count, last = 0, None
        moment = since.replace(tzinfo=UTC) if since else None
        while True:
            asked = RescanMany(by=at.by, since=moment, after=last, reason=reason)
            requested: Requested = await at.dispatch(asked)
            count, last = count + requested.count, requested.last
            if last is None:
                return count

    click.echo(f"{in_office(data, do)} to be scanned again.")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("finding", "quarantined_at", "taken_down_at", "countered_at", "attempts", "failure")
    return {name: row[name] for name in kept}
