"""`darkroom upload`: files and folders into a Darkroom, anywhere."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cli.options import fail, json_option
from cli.signing import client_options

if TYPE_CHECKING:
    from client.api import Credentials
    from client.upload import Done, Uploader, Wishes

EXTENSIONS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".heic", ".heif", ".avif"}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@client_options
@click.option("--title", help="Of every image.")
@click.option("--tags", multiple=True, help="Commas between them, or the option repeated.")
@click.option("--visibility", type=click.Choice(["public", "unlisted", "private"]))
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where it notes what is done; default: ~/.local/state/darkroom/uploads.jsonl",
)
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="Seconds that an outage is waited out.",
)
@json_option
def upload(
    files: tuple[Path, ...],
    url: str,
    credentials: "Credentials",
    title: str | None,
    tags: tuple[str, ...],
    visibility: str | None,
    parallel: int,
    state: Path | None,
    patience: float,
    as_json: bool,
) -> None:
    """Upload images; of folders, all that are in them.

    Prints one line a file: its name, the image's id and URL, or what was wrong with it. A run
    that was broken off goes on where it stood when it is started again, and what is uploaded
    already is not uploaded twice.

    Exit code 0 if every file is there, 1 if some are not, 2 if the command was wrong.

    \b
    Examples:
      darkroom upload ~/Pictures/2026 --email ann@example.org --tags holiday,sea
      DARKROOM_TOKEN=... darkroom upload a.jpg b.png --url https://img.example.org --json
    """
    from client.upload import Wishes

    found = list(dict.fromkeys(images(files)))
    if not found:
        raise click.UsageError("There are no images in there.")
    words = [word.strip() for words in tags for word in words.split(",") if word.strip()]
    wishes = Wishes(title=title, tags=words or None, visibility=visibility)
    run = Run(url, credentials, wishes, patience)
    done = asyncio.run(run.upload(found, parallel, state, as_json))
    failed = sum(it.code is not None for it in done)
    if as_json:
        totals = {"uploaded": len(done) - failed, "failed": failed}
        click.echo(msgspec.json.encode({**totals, "files": done}))
    sys.exit(1 if failed else 0)


def images(paths: Iterable[Path]) -> Iterable[Path]:
    """Files as they are named, whatever they are; of folders, what looks like an image."""
    for path in paths:
        if path.is_dir():
            inside = (it for it in sorted(path.rglob("*")) if it.suffix.lower() in EXTENSIONS)
            yield from (it for it in inside if it.is_file())
        else:
            yield path


class Run:
    def __init__(
        self, url: str, credentials: "Credentials", wishes: "Wishes", patience: float
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._wishes = wishes
        self._patience = patience

    async def upload(
        self, files: Sequence[Path], parallel: int, state: Path | None, as_json: bool
    ) -> "list[Done]":
        from client.api import Api, Problem
        from client.journal import Journal, default_file
        from client.upload import Uploader

        with closing(Journal(state or default_file())) as journal:
            async with Api(self._url, self._credentials, patience=self._patience) as api:
                uploader = Uploader(api, journal, self._wishes)
                try:
                    await uploader.identify()
                except Problem as problem:
                    fail(f"{self._url}: {problem.detail} ({problem.code})")
                with progress(as_json) as bars:
                    return await each(files, uploader, parallel, bars, as_json)


async def each(
    files: Sequence[Path], uploader: "Uploader", parallel: int, bars: Progress, as_json: bool
) -> "list[Done]":
    sizes = {path: path.stat().st_size for path in files}
    total = bars.add_task(f"{len(files)} files", total=sum(sizes.values()))
    turns, sent = asyncio.Semaphore(parallel), dict.fromkeys(files, 0)

    async def one(path: Path) -> "Done":
        async with turns:
            bar = bars.add_task(path.name, total=sizes[path])

            def report(position: int) -> None:
                bars.advance(total, position - sent[path])
                bars.update(bar, completed=position)
                sent[path] = position

            done = await uploader.upload(path, report)
            bars.remove_task(bar)
            if not as_json:
                click.echo(line(done))
            return done

    return await asyncio.gather(*map(one, files))


def line(done: "Done") -> str:
    if done.code:
        return f"{done.file}  {done.code}: {done.detail}"
    return f"{done.file}  {done.image_id}  {done.url}{'  (before)' if done.before else ''}"


def progress(as_json: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=as_json or not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # elsewhere the lines are for whoever reads them
    )
