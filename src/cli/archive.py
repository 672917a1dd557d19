"""`darkroom backup` and `darkroom restore`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.options import data_option, fail, json_option, settings_of
from domain.refusals import Refusal

if TYPE_CHECKING:
    from bootstrap.archive import Report

folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.command()
@folder_argument
@data_option
def backup(folder: Path, data: Path) -> None:
    """Copy the log, its keys and every original into FOLDER, while the service runs.

    A second backup into the same FOLDER copies only new originals, and drops what was purged.
    keys.dump holds the keys that erasure destroys: keep it apart, and no longer than needed.
    Not in it is instance.key, without which none of it can be read: keep that elsewhere.
    Only you can read what is written.
    """
    from adapters.dump import DumpFailed
    from bootstrap import archive

    os.umask(0o077)
    with _progress() as progress:
        try:
            made = asyncio.run(archive.backup(settings_of(data), folder, _report(progress)))
        except Refusal as refusal:
            fail(_said(refusal))
        except DumpFailed as failed:
            fail(str(failed))
    click.echo(f"{len(made.originals)} originals, and the log up to position {made.head}.")
    click.echo("To read it takes the instance.key of this installation: keep a copy elsewhere.")


@click.command()
@folder_argument
@data_option
@json_option
def restore(folder: Path, data: Path, as_json: bool) -> None:
    """Restore a backup into a running Darkroom that is new: its log must be empty.

    \b
    1. Put the old instance.key into a new data folder.
    2. darkroom up --data NEW
    3. darkroom restore FOLDER --data NEW

    Every print is made again from the log and the originals. The log is proven against the
    checkpoint in the backup, each original against its checksum: one that is damaged is named, and
    left out. Exit code 1 if anything is found.
    """
    from adapters.dump import DumpFailed
    from bootstrap import archive

    with _progress() as progress:
        try:
            done = asyncio.run(archive.restore(settings_of(data), folder, _report(progress)))
        except Refusal as refusal:
            fail(_said(refusal))
        except (DumpFailed, msgspec.MsgspecError) as failed:
            fail(f"{folder} cannot be restored: {failed}")
        except FileNotFoundError as missing:
            fail(f"{folder} is no whole backup: {missing.filename} is missing.")
    if as_json:
        click.echo(msgspec.json.encode(done))
    else:
        for it in done.findings:
            click.echo(f"{it.kind}  position {it.position}  {it.detail}")
        for key in done.damaged:
            click.echo(f"damaged  {key}  not as it was copied, and left out")
        click.echo(
            f"{done.events} events and {done.originals} originals are back,"
            f" {done.erased} erasures applied again: {len(done.findings) or 'no'} findings."
        )
    sys.exit(1 if done.findings or done.damaged else 0)


def _said(refusal: Refusal) -> str:
    return str(refusal.facts.get("reason") or f"{refusal} {refusal.facts}")


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:.0f} {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _report(progress: Progress) -> "Report":
    tasks = {}

    def report(what: str, more: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=None)
        progress.advance(tasks[what], more)

    return report
