"""`darkroom storage`: care of the object store."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.options import data_option, fail, json_option, settings_of
from domain.refusals import Refusal

if TYPE_CHECKING:
    from bootstrap.storage import Checked


@click.group()
def storage() -> None:
    """Care of the object store, which holds originals and prints."""


@storage.command()
@click.option("--repair", is_flag=True, help="Quarantine orphans, make missing prints again.")
@click.option("--deep", is_flag=True, help="Read every original and compare its SHA-256.")
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help="Leave younger orphans alone; default: DARKROOM_ORPHAN_GRACE, an hour.",
)
@data_option
@json_option
def check(repair: bool, deep: bool, grace: int | None, data: Path, as_json: bool) -> None:
    """Compare the object store with the log, both ways.

    \b
    missing_original     a finalized image whose bytes are gone: restore them from a backup
    wrong_size           an original of another size than its event says
    wrong_checksum       an original of other bytes than its event says (--deep)
    orphan_original      bytes of an original that no event refers to
    orphan_derivative    a print of no image
    stale_incoming       uploaded bytes that are needed no more
    missing_derivative   a print that was made, and is gone

    --repair moves orphans to quarantine/DATE/KEY in the bucket, deletes what has been there for 30
    days, and queues missing prints; it never touches bytes that an event refers to. The service
    may keep running.

    Exit code 0 if everything is as it should be, 1 if there are findings, repaired or not.

    \b
    Example:
      darkroom storage check --deep --json | jq '.findings[].key'
    """
    from bootstrap import storage

    settings = settings_of(data)
    patience = timedelta(seconds=settings.orphan_grace if grace is None else grace)
    with _progress(as_json) as progress:
        tasks = {}

        def report(what: str, more: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=None)
            progress.advance(tasks[what], more)

        try:
            checked = asyncio.run(
                storage.check(settings, report, repair=repair, deep=deep, grace=patience)
            )
        except Refusal as refusal:
            fail(f"{refusal} {refusal.facts}")
    if as_json:
        click.echo(msgspec.json.encode({"clean": not checked.findings} | _members(checked)))
    else:
        _print(checked)
    sys.exit(1 if checked.findings else 0)


def _members(checked: "Checked") -> dict[str, object]:
    return {name: getattr(checked, name) for name in checked.__struct_fields__}


def _print(checked: "Checked") -> None:
    seen = ", ".join(f"{count} {what}" for what, count in checked.checked.items())
    click.echo(f"Looked at {seen or 'an empty store'}: {len(checked.findings)} findings.")
    for it in checked.findings:
        click.echo(f"{it.kind}  {it.key}  {it.detail}{f', {it.repair}' if it.repair else ''}")
    if checked.forgotten:
        click.echo(f"Deleted {checked.forgotten} objects that were quarantined for 30 days.")


def _progress(as_json: bool) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:.0f} {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=as_json,
    )
