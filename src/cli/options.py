"""What commands share: where the data is, how to print, how to end."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.data_folder import DataFolder
from settings import Settings, load

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    default=Path(".darkroom"),
    show_default=True,
    help="Data folder of the embedded servers. Ignored where DARKROOM_DATABASE_URL is set.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print for machines.")


def settings_of(data: Path) -> Settings:
    """From the environment, or from what a running `up` left in its data folder."""
    try:
        if "DARKROOM_DATABASE_URL" in os.environ:
            return load(os.environ)
        return load(DataFolder(data).endpoints() | dict(os.environ))
    except FileNotFoundError:
        fail(
            f"No Darkroom has run on {data}. Start one with `darkroom up --data {data}`,"
            " or set DARKROOM_DATABASE_URL and the others."
        )
    except msgspec.ValidationError as error:
        fail(f"The settings are wrong: {error}")


def signalled() -> asyncio.Event:
    """Set on SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def progress_bar(as_json: bool) -> Progress:
    """Beside what is printed, and for people alone."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=as_json,
    )


def fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
