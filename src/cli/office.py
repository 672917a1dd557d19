"""What the commands of `darkroom admin` share: whose name they act in, and how they tell of it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bootstrap.administering import Office, office
from cli.options import fail, settings_of
from domain.ids import AccountId, from_text
from domain.refusals import Refusal

T = TypeVar("T")
Row = dict[str, Any]
WIDE = 240
"""Columns, where no terminal says how many there are."""

WHY = "Why: it stays in the log."
reason_option = click.option("--reason", required=True, help=WHY)
limit_option = click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
who_argument = click.argument("who")


def in_office(data: Path, do: Callable[[Office], Awaitable[T]]) -> T:
    settings = settings_of(data)

    async def run() -> T:
        async with office(settings) as at:
            return await do(at)

    try:
        return asyncio.run(run())
    except Refusal as refusal:
        figures = ", ".join(f"{name} {value}" for name, value in refusal.facts.items())
        fail(f"{refusal}{f' ({figures})' if figures else ''}")


def done(data: Path, act: Callable[[Office], Awaitable[Row]], *, as_json: bool) -> None:
    """Do one thing and print what is true now."""
    printed([in_office(data, act)], as_json=as_json)


async def acted(at: Office, command: Any, **now: Any) -> Row:
    """What is true `now` that the command is carried out, and its place in the log: none where it
    was so already."""
    receipt = await at.dispatch(command)
    return now | {"position": receipt.position}


async def account(at: Office, who: str) -> AccountId:
    found = await at.account(who) if "@" in who else from_text("u", who)
    if found is None:
        fail(f"There is no account {who}.")
    return AccountId(found)


def identified(prefix: str, text: str) -> UUID:
    found = from_text(prefix, text)
    if found is None:
        raise click.UsageError(f"{text} is no id: they are like {prefix}_06h2....")
    return found


def printed(rows: list[Row], *, as_json: bool) -> None:
    """For machines one object a line."""
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    if not rows:
        click.echo("None.")
        return
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*map(_told, row.values()))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
