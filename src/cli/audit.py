"""`darkroom audit`: prove the log, and read it."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from cli.options import data_option, fail, json_option, progress_bar, settings_of
from domain.refusals import Refusal
from projections.audit import Checkpoint
from projections.audit_log import Filter, actor_of, as_csv, stream_id_of, type_of

T = TypeVar("T")


@click.group()
def audit() -> None:
    """The log: prove that it is what it was, and read who did what when."""


@audit.command()
@click.option(
    "--checkpoint",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `darkroom audit checkpoint` wrote: betrays a log that was cut short since.",
)
@data_option
@json_option
def verify(file: Path | None, data: Path, as_json: bool) -> None:
    """Compare every event with the hash that was taken of it, sealed and signed.

    \b
    changed        other bytes than were sealed
    removed        an event that was sealed is gone
    inserted       an event that Darkroom did not write
    reordered      an event that belongs to another position
    truncated      everything from here on is gone
    seal_forged    a seal that the instance's key did not sign, or out of the chain
    rewritten      signed, but not what the checkpoint saw

    What was erased stays provable: hashes are of the bytes as they are stored, content sealed.
    Events of the last second may be not sealed yet; they are compared with their own hash.

    Exit code 0 if all is as it was, 1 if there are findings.
    """
    from bootstrap import auditing

    point = _checkpoint(file) if file else None
    with progress_bar(as_json) as progress:
        task = progress.add_task("events")

        def report(position: int, head: int) -> None:
            progress.update(task, completed=position, total=head)

        verdict = _refusable(lambda: asyncio.run(auditing.verify(settings_of(data), point, report)))
    if as_json:
        intact = {"intact": not verdict.findings}
        click.echo(msgspec.json.encode(intact | msgspec.to_builtins(verdict)))
    else:
        for it in verdict.findings:
            click.echo(f"{it.kind}  position {it.position}  {it.detail}")
        rate = verdict.events / max(verdict.seconds, 1e-9)
        click.echo(
            f"{verdict.events} events, {verdict.seconds:.1f} s, {rate:.0f} events/s:"
            f" {len(verdict.findings) or 'no'} findings."
        )
    sys.exit(1 if verdict.findings else 0)


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@data_option
def checkpoint(file: Path, data: Path) -> None:
    """Seal the log to its end, and write the head of the chain to FILE.

    Keep it where nobody who can write to the database can write: the next `audit verify` then also
    notices if the end of the log was cut off, or all of it made anew.
    """
    from bootstrap import auditing

    point = _refusable(lambda: asyncio.run(auditing.checkpoint(settings_of(data))))
    if point is None:
        fail("The log is empty: there is nothing to prove yet.")
    file.write_bytes(msgspec.json.format(msgspec.json.encode(point)) + b"\n")
    click.echo(f"Position {point.position} is sealed: {point.hash}")


@audit.command()
@click.option("--actor", help="An account's id, or `darkroom` for what it did by itself.")
@click.option("--type", "kind", help="Like image.purged, or image for all of an image's.")
@click.option("--stream", help="The id of an image, an account, or any other stream.")
@click.option("--since", help="RFC 3339; in UTC where it names no zone.")
@click.option(
    "--format", "shape", type=click.Choice(["csv", "json"]), default="csv", show_default=True
)
@data_option
def log(
    actor: str | None,
    kind: str | None,
    stream: str | None,
    since: str | None,
    shape: str,
    data: Path,
) -> None:
    """Print who did what when: CSV, or one JSON object a line.

    \b
    Example:
      darkroom audit log --type image.purged --since 2026-01-01 --format json
    """
    from bootstrap import auditing

    asked = Filter(
        actor=_parsed("--actor", actor_of, actor),
        type=_parsed("--type", type_of, kind),
        stream_id=_parsed("--stream", stream_id_of, stream),
        since=_parsed("--since", _moment, since),
    )

    def show(entries: Any, first: bool) -> None:
        if shape == "csv":
            click.echo(as_csv(entries, header=first), nl=False)
            return
        for it in entries:
            click.echo(msgspec.json.encode(it))

    _refusable(lambda: asyncio.run(auditing.read(settings_of(data), asked, show)))


def _checkpoint(file: Path) -> Checkpoint:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Checkpoint)
    except msgspec.MsgspecError as error:
        fail(f"{file} is no checkpoint: {error}")


def _parsed(option: str, parse: Callable[[str], T], text: str | None) -> T | None:
    try:
        return parse(text) if text else None
    except ValueError as error:
        raise click.UsageError(f"{option} {text}: nothing is called so.") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refusable(work: Callable[[], T]) -> T:
    try:
        return work()
    except Refusal as refusal:
        fail(f"{refusal} {refusal.facts}")
