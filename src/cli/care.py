"""Looking at what runs, and making read models again."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from cli import collector
from cli.options import data_option, json_option, progress_bar, settings_of


@click.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Show each server, the head of the log, and how far each read model is.

    Exit code 0 if everything is ready, 1 if not.
    """
    from bootstrap import upkeep

    found = asyncio.run(upkeep.status(settings_of(data)))
    if as_json:
        click.echo(json.dumps(found))
    else:
        _print_status(found)
    sys.exit(0 if found["ready"] else 1)


def _print_status(found: dict[str, Any]) -> None:
    table = Table("part", "state", title=f"ready: {'yes' if found['ready'] else 'no'}")
    for name, service in found["services"].items():
        table.add_row(name, service["state"])
    models = Table(
        "read model", "position", "lag", "generation", "parked", title=f"head: {found['head']}"
    )
    for model in found["projections"]:
        models.add_row(
            *(str(model[key]) for key in ("name", "position", "lag", "generation", "parked"))
        )
    Console().print(table, models)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every read model.")
@data_option
@json_option
def rebuild(names: tuple[str, ...], everything: bool, data: Path, as_json: bool) -> None:
    """Make read models again from the log, beside the running ones, and swap them in.

    The service keeps running and answering. NAMES are those of `darkroom status`.
    """
    from bootstrap import upkeep
    from projections.projection import PROJECTIONS

    if bool(names) == everything:
        raise click.UsageError("Name read models, or say --all.")
    unknown = set(names) - set(PROJECTIONS)
    if unknown:
        raise click.UsageError(f"No read model is called {', '.join(sorted(unknown))}.")
    with progress_bar(as_json) as progress:
        tasks: dict[str, Any] = {}

        def report(name: str, position: int, head: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name)
            progress.update(tasks[name], completed=position, total=head)

        chosen = list(names) or list(PROJECTIONS)
        collector.spare()
        reports = asyncio.run(upkeep.rebuild(settings_of(data), chosen, report))
    if as_json:
        click.echo(msgspec.json.encode(reports))
        return
    for done in reports:
        rate = done.events / max(done.seconds, 1e-9)
        click.echo(f"{done.name}: {done.events} events, {done.seconds:.1f} s, {rate:.0f} events/s")
