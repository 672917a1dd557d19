"""The command: run all benchmarks or some of them, and show what they found."""

import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import (
    append,
    counting,
    delivery,
    finalize,
    ladder,
    latency,
    listing,
    memory,
    project,
    small_uploads,
    startup,
    transform,
)
from benchmarks.measure import Figure
from benchmarks.rig import Rig
from cli import collector

ALL: dict[str, Any] = {
    "append": append,
    "project": project,
    "latency": latency,
    "finalize": finalize,
    "ladder": ladder,
    "delivery": delivery,
    "counting": counting,
    "transform": transform,
    "small-uploads": small_uploads,
    "listing": listing,
    "startup": startup,
    "memory": memory,
}
EPILOG = "\b\nThe benchmarks:\n" + "\n".join(f"  {n:14} {m.WHAT}" for n, m in ALL.items())


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.argument("names", nargs=-1, type=click.Choice(list(ALL)), metavar="[NAME]...")
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figures.",
)
def main(names: Sequence[str], file: Path | None) -> None:
    """Run the benchmarks of those names, or all of them (about 5 minutes on two cores).

    Everything is measured on a Darkroom of its own, started on a temporary data folder, in turns
    with what it is compared to: a limit of the machine or of a server, or a peer. A ratio above 1
    is better than that. Absolute figures are this machine's; the ratios are what to look at.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # no server is left behind
    collector.spare()  # as every role does
    console = Console()
    found: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as folder, _progress() as progress:
        task = progress.add_task("", total=len(names or ALL), step="")
        rig = Rig(Path(folder), lambda step: progress.update(task, step=step))
        try:
            for name in names or ALL:
                progress.update(task, description=name, step="")
                found[name] = list(ALL[name].run(rig))
                progress.advance(task)
        finally:
            rig.close()
    console.print(_table(found))
    if file:
        rows = [{"name": name} | figure.row for name, all in found.items() for figure in all]
        file.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
        console=Console(stderr=True),
        transient=True,
    )


def _table(found: dict[str, list[Figure]]) -> Table:
    table = Table("name", "what", title="Darkroom's benchmarks")
    for column in ("measured", "limit or peer", "ratio"):
        table.add_column(column, justify="right")
    table.add_column("target")
    table.add_column("met")
    for name, figures in found.items():
        for figure in figures:
            table.add_row(name, *_cells(figure))
        table.add_section()
    return table


def _cells(figure: Figure) -> list[str]:
    beside = "" if figure.beside is None else f"{figure.peer}: {_number(figure.beside)}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    met = {None: "", True: "[green]yes", False: "[red]no"}[figure.met]
    measured = f"{_number(figure.measured)} {figure.unit}"
    return [figure.what, measured, beside, ratio, figure.target, met]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
