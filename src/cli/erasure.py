"""`darkroom erasure`: that what was purged stays purged."""

import asyncio
from pathlib import Path

import click
from rich.console import Console

from cli.options import data_option, fail, settings_of
from domain.refusals import Refusal


@click.group()
def erasure() -> None:
    """What was purged: keep it from coming back, make its last bytes unreadable."""


@erasure.command()
@data_option
def reapply(data: Path) -> None:
    """Purge again what a restored backup brought back.

    Run it after every restore of the database or the object store. It asks the log, and the list
    of erasures that the object store keeps under erasures/, so that it also knows of purges that
    are younger than the backup. Running it twice does nothing twice.
    """
    from bootstrap import erasing

    try:
        count = asyncio.run(erasing.reapply_all(settings_of(data)))
    except Refusal as refusal:
        fail(f"{refusal} {refusal.facts}")
    click.echo(f"{count} erasures are applied again.")


@erasure.command()
@data_option
def compact(data: Path) -> None:
    """Rewrite what holds deleted rows and objects, so that no raw byte of them is left.

    A purge destroys keys, rows and objects at once, but a database only marks the room of a
    deleted row as free. This writes tables, statistics and object volumes anew and drops the
    write-ahead log before it. Each table is locked while it is rewritten: about a second for a
    million rows. By itself Darkroom does it for tables below 64 MB, within an hour of an erasure.
    """
    from bootstrap import erasing

    console = Console(stderr=True)
    with console.status("compacting") as status:
        try:
            left = asyncio.run(erasing.compact(settings_of(data), status.update))
        except Refusal as refusal:
            fail(f"{refusal} {refusal.facts}")
    if left:
        rest = ", ".join(dict.fromkeys(left))
        fail(f"Compacted, but for what others held or only a superuser may do: {rest}")
    click.echo("Compacted.")
