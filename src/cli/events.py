"""`darkroom events`: follow the log, and see to what could not be taken of it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from cli.options import data_option, json_option, settings_of, signalled
from domain.refusals import NotFound
from projections.audit_log import type_of


@click.group()
def events() -> None:
    """The log as it grows."""


@events.command()
@click.option("--from", "after", type=int, help="Begin behind this position; default: now.")
@click.option("--type", "kind", help="Like image.purged, or image for all of an image's.")
@data_option
@json_option
def tail(after: int | None, kind: str | None, data: Path, as_json: bool) -> None:
    """Print events as they happen, without what people wrote. Ctrl-C ends it.

    \b
    darkroom events tail --from 0 --type image --json
    """
    from bootstrap import replaying

    try:
        wanted = type_of(kind) if kind else None
    except ValueError as error:
        raise click.UsageError(f"--type {kind}: no event is called so.") from error

    def show(entry: Any) -> None:
        if wanted is None or entry.type == wanted or entry.type.startswith(f"{wanted}."):
            click.echo(msgspec.json.encode(entry) if as_json else _line(entry))

    asyncio.run(_until_ended(replaying.follow(settings_of(data), after, show)))


@events.command()
@data_option
@json_option
def parked(data: Path, as_json: bool) -> None:
    """Events that a read model could not take, and those of the same stream behind them.

    Exit code 0 if there are none, 1 if there are.
    """
    from bootstrap import parking

    found = asyncio.run(parking.parked(settings_of(data)))
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        table = Table("position", "read model", "type", "stream", "since", "error")
        for it in found:
            since = f"{it.at:%Y-%m-%d %H:%M:%S}"
            table.add_row(str(it.position), it.model, it.topic, str(it.stream_id), since, it.error)
        Console().print(table if found else "No event is parked.")
    sys.exit(1 if found else 0)


@events.command()
@click.argument("position", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="Whatever is parked.")
@data_option
@json_option
def retry(position: int | None, everything: bool, data: Path, as_json: bool) -> None:
    """Have a read model take an event after all, once its projector was mended.

    With it go the later events of its stream. Exit code 1 if one still fails.
    """
    from bootstrap import parking

    if (position is None) is not everything:
        raise click.UsageError("Name a position, or say --all.")
    settings = settings_of(data)
    work = parking.retry_all(settings) if position is None else parking.retry(settings, position)
    _report(position, work, as_json)


@events.command()
@click.argument("position", type=int)
@click.option("--reason", required=True, help="For the audit log; stays for ever.")
@data_option
@json_option
def skip(position: int, reason: str, data: Path, as_json: bool) -> None:
    """Make read models without a parked event, in every later rebuild too.

    The later events of its stream are taken. Exit code 1 if one of those fails.
    """
    from bootstrap import parking

    _report(position, parking.skip(settings_of(data), position, reason), as_json)


def _report(position: int | None, work: Any, as_json: bool) -> None:
    try:
        tried = asyncio.run(work)
    except NotFound as error:
        raise click.ClickException(f"No event is parked at {position}.") from error
    for it in () if as_json else tried:
        outcome = f"still fails: {it.error}" if it.error else f"{it.taken} events taken"
        click.echo(f"{it.position:>10}  {it.model}  {outcome}")
    if as_json:
        click.echo(msgspec.json.encode(tried))
    sys.exit(1 if any(it.error for it in tried) else 0)


async def _until_ended(work: Any) -> None:
    stopped, following = signalled(), asyncio.create_task(work)
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([following, waiting], return_when=asyncio.FIRST_COMPLETED)
    if following.done():
        following.result()
    following.cancel()


def _line(entry: Any) -> str:
    moment = f"{entry.at:%Y-%m-%d %H:%M:%S}"
    return f"{entry.position:>10}  {moment}  {entry.type}  {entry.stream}  {entry.actor}"
