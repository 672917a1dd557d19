"""`darkroom replay`: any stream, or every read model, as it was."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from cli.options import data_option, fail, json_option, progress_bar, settings_of
from projections.audit_log import stream_id_of
from projections.history import Moment, moment

T = TypeVar("T")


@click.command()
@click.option("--until", "at", required=True, help="A position, or a time as in RFC 3339 (UTC).")
@click.option("--stream", "stream_text", help="The id of an image, an account, or a plain UUID.")
@data_option
@json_option
def replay(at: str, stream_text: str | None, data: Path, as_json: bool) -> None:
    """Show a stream, or every read model, as it was. Changes nothing.

    \b
    darkroom replay --until 2026-01-31T12:00:00Z --stream img_06h13...
        what had happened to that image by then, and how it was
    darkroom replay --until 4711 --json
        every document of every read model at that position, one a line

    What was purged since stays purged: its events are told, without content.
    Exit code 1 if the stream had not begun by then.
    """
    until = _read(moment, at, "is neither a position nor a time")
    stream_id = _read(stream_id_of, stream_text, "is no id") if stream_text else None
    if stream_id is None:
        _models(data, until, as_json)
    else:
        _stream(data, stream_id, until, as_json)


def _read(parse: Callable[[str], T], text: str, wrong: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise click.UsageError(f"{text} {wrong}.") from error


def _stream(data: Path, stream_id: Any, until: Moment, as_json: bool) -> None:
    from bootstrap import replaying

    found = asyncio.run(replaying.stream(settings_of(data), stream_id, until))
    if found is None:
        fail("By then nothing had happened in this stream.")
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for step in found.steps:
        told = step.entry
        click.echo(f"{told.position:>10}  {told.at:%Y-%m-%d %H:%M:%S}  {told.type}  {told.actor}")
        for name, (old, new) in step.changes.items():
            click.echo(f"{'':>12}{name}: {old!r} -> {new!r}")
    click.echo(_pretty(found.document))


def _models(data: Path, until: Moment, as_json: bool) -> None:
    from bootstrap import replaying

    with progress_bar(as_json) as progress:
        task = progress.add_task("events")

        def report(position: int, head: int) -> None:
            progress.update(task, completed=position, total=head)

        documents = asyncio.run(replaying.models(settings_of(data), until, report))
    counted = Counter[str]()
    for name, document in documents:
        counted[name] += 1
        if as_json:
            fields = {"readModel": name} | msgspec.to_builtins(document)
            sys.stdout.write(msgspec.json.encode(fields).decode() + "\n")
    if not as_json:
        for name, number in sorted(counted.items()):
            click.echo(f"{name}: {number} documents")
        click.echo("Say --json to see them, or --stream ID to see one.")


def _pretty(document: Any) -> str:
    if document is None:
        return "It was not there any more, or has no form of its own."
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
