"""`darkroom events`: follow the log."""

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from cli.options import data_option, json_option, settings_of, signalled
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
