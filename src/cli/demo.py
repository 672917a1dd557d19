"""`darkroom demo`: something to look at, and something to measure on."""

import asyncio
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from cli.options import data_option, fail, json_option, settings_of
from domain.refusals import Refusal


@click.group()
def demo() -> None:
    """Large, realistic data for trials and benchmarks."""


@demo.command()
@data_option
@json_option
@click.option("--images", type=click.IntRange(1), required=True, help="How many.")
@click.option("--owners", type=click.IntRange(1), required=True, help="Over how many accounts.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another gives others.")
@click.option("--originals/--no-originals", default=True, help="With bytes, or for lists only.")
def seed(data: Path, as_json: bool, images: int, owners: int, seed: int, originals: bool) -> None:
    """Write a log by the bulk path: small originals, titles and tags in several languages.

    A second time with the same seed is refused: the accounts are there.
    """
    from bootstrap import seeding
    from commands.ports import StreamMoved

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, disable=as_json) as progress:
        task = progress.add_task("", total=images)
        work = seeding.seed(
            settings_of(data),
            images,
            owners,
            seed,
            lambda count: progress.update(task, completed=count),
            originals=originals,
        )
        try:
            made = asyncio.run(work)
        except StreamMoved:
            fail("This seed has been sown here: choose another.")
        except Refusal as refusal:
            fail(f"{refusal} {refusal.facts}")
    if as_json:
        click.echo(msgspec.json.encode(made))
        return
    rate = made.images / made.seconds
    click.echo(f"{made.images} images of {made.owners} owners, {rate:.0f} a second")
