"""`darkroom admin`, of the gate: reports, quarantine, takedown, scanning again."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from adapters.scanning import PostgresScans
from bootstrap.administering import Office
from cli.office import (
    Row,
    acted,
    done,
    identified,
    in_office,
    limit_option,
    printed,
    reason_option,
)
from cli.options import data_option, json_option
from commands.reports import ResolveReport
from commands.review import Confirm, Release, Requested, Rescan, RescanMany
from commands.takedown import ReinstateImage, TakeDown
from domain.abuse_report import Resolution
from domain.ids import ImageId, to_text
from domain.image_events import Notice
from projections.reports import Case, Wanted
from projections.scanning import Waiting


@click.command()
@click.option("--all", "everything", is_flag=True, help="Those that are resolved, too.")
@limit_option
@data_option
@json_option
def reports(everything: bool, limit: int, data: Path, as_json: bool) -> None:
    """What was reported, the oldest first.

    \b
    Example: darkroom admin reports --all --json
    """
    wanted = Wanted(resolved=None if everything else False, limit=limit)

    async def look(at: Office) -> list[Row]:
        return [*map(_report, (await at.cases.list(wanted)).cases)]

    printed(in_office(data, look), as_json=as_json)


@click.command()
@click.argument("report")
@click.argument("action", type=click.Choice([it.value for it in Resolution]))
@reason_option
@data_option
@json_option
def resolve(report: str, action: str, reason: str, data: Path, as_json: bool) -> None:
    """Judge a report: dismiss it, or take the image down, or put it into quarantine.

    \b
    Example: darkroom admin resolve rep_06h2... takedown --reason "not theirs"
    """
    report_id = identified("rep", report)

    async def do(at: Office) -> Row:
        command = ResolveReport(by=at.by, report_id=report_id, to=Resolution(action), reason=reason)
        return await acted(at, command, reportId=report, resolution=action)

    done(data, do, as_json=as_json)


def _acting(name: str, made: Callable[..., Any], words: str, **now: bool) -> click.Command:
    """A command that does one thing to one image, and what is true of it then."""

    @click.command(
        name, help=f'{words}\n\n\b\nExample: darkroom admin {name} img_06h2... --reason "why"'
    )
    @click.argument("image")
    @reason_option
    @data_option
    @json_option
    def act(image: str, reason: str, data: Path, as_json: bool) -> None:
        image_id = ImageId(identified("img", image))

        async def do(at: Office) -> Row:
            asked = made(by=at.by, image_id=image_id, reason=reason)
            return await acted(at, asked, imageId=image, **now)

        done(data, do, as_json=as_json)

    return act


def _taking_down(*, reason: str, **asked: Any) -> TakeDown:
    return TakeDown(notice=Notice(reason=reason), **asked)


@click.command()
@click.option("--confirmed", is_flag=True, help="What was looked at, and stays there.")
@limit_option
@data_option
@json_option
def quarantine(confirmed: bool, limit: int, data: Path, as_json: bool) -> None:
    """What waits for somebody to look at it, the newest first.

    \b
    Example: darkroom admin quarantine --confirmed --json
    """

    async def look(at: Office) -> list[Row]:
        scans = PostgresScans(at.core.database)
        found, _ = await scans.queue(confirmed=confirmed, page=1, limit=limit)
        return [*map(_waiting, found)]

    printed(in_office(data, look), as_json=as_json)


@click.command()
@click.argument("image", required=False)
@click.option("--all", "everything", is_flag=True, help="Whatever has passed.")
@click.option("--since", type=click.DateTime(), help="What was uploaded since then (UTC).")
@reason_option
@data_option
@json_option
def rescan(
    image: str | None,
    everything: bool,
    since: datetime | None,
    reason: str,
    data: Path,
    as_json: bool,
) -> None:
    """Scan again: one IMAGE, those --since a day, or --all; after new signatures, say.

    \b
    Examples:
      darkroom admin rescan img_06h2... --reason "reported"
      darkroom admin rescan --since 2026-01-01 --reason "new signatures"
    """
    if sum((image is not None, everything, since is not None)) != 1:
        raise click.UsageError("Say what: an image, --since, or --all.")

    async def one(at: Office) -> Row:
        image_id = ImageId(identified("img", image or ""))
        asked = Rescan(by=at.by, image_id=image_id, reason=reason, request=at.new_id())
        return await acted(at, asked, requested=1)

    async def many(at: Office) -> Row:
        count, last, position = 0, None, None
        about: dict[str, Any] = {"by": at.by, "reason": reason, "request": at.new_id()}
        moment = since.replace(tzinfo=UTC) if since else None
        while True:
            asked = RescanMany(since=moment, after=last, **about)
            requested: Requested = await at.dispatch(asked)
            count, last = count + requested.count, requested.last
            position = requested.receipt.position if requested.receipt else position
            if last is None:
                return {"requested": count, "position": position}

    done(data, one if image else many, as_json=as_json)


def _report(case: Case) -> Row:
    return {
        "reportId": to_text("rep", case.id),
        "imageId": to_text("img", case.image_id),
        "reason": case.reason.value,
        "details": case.details,
        "filedAt": case.filed_at,
        "resolution": case.resolution.value if case.resolution else None,
    }


def _waiting(found: Waiting) -> Row:
    return {
        "imageId": to_text("img", found.id),
        "finding": found.finding,
        "quarantinedAt": found.quarantined_at,
        "takenDownAt": found.taken_down_at,
        "counteredAt": found.countered_at,
        "attempts": found.attempts,
        "failure": found.failure,
    }


COMMANDS = (
    reports,
    resolve,
    quarantine,
    rescan,
    _acting(
        "takedown",
        _taking_down,
        "Close an image to everybody, at once; its owner is told why.",
        takenDown=True,
    ),
    _acting(
        "reinstate-image", ReinstateImage, "Open an image that was taken down.", takenDown=False
    ),
    _acting(
        "release",
        Release,
        "Let an image out of quarantine, whatever the scanner says.",
        quarantined=False,
    ),
    _acting(
        "confirm",
        Confirm,
        "Leave an image in quarantine, and take it from the queue.",
        quarantined=True,
    ),
)
