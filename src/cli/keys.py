"""`darkroom keys`: one key follows another."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from adapters.token_keys import Generation
from cli.options import data_option, json_option, settings_of
from settings import Settings


@click.group()
def keys() -> None:
    """Keys that Darkroom signs with."""


@keys.command()
@click.option(
    "--now", "at_once", is_flag=True, help="The old key leaked: what it signed is worth nothing."
)
@json_option
@data_option
def rotate_tokens(at_once: bool, as_json: bool, data: Path) -> None:
    """Sign access tokens with a new key.

    It signs once every process knows it, ten seconds later; older ones are believed until the last
    token that they signed has expired. With --now nobody is believed but the new key, and whoever
    is signed in trades the refresh token for another access token.
    """
    made = asyncio.run(_rotated(settings_of(data), at_once=at_once))
    _print([made], as_json=as_json)


@keys.command()
@json_option
@data_option
def list_tokens(as_json: bool, data: Path) -> None:
    """Show the keys that sign access tokens, without the keys themselves."""
    _print(asyncio.run(_all(settings_of(data))), as_json=as_json)


async def _rotated(settings: Settings, *, at_once: bool) -> Generation:
    from bootstrap import Core, token_keys

    core = Core(settings)
    async with core.connected():
        return await token_keys(core).rotate(at_once=at_once)


async def _all(settings: Settings) -> Sequence[Generation]:
    from bootstrap import Core, token_keys

    core = Core(settings)
    async with core.connected():
        return await token_keys(core).all()


def _print(found: Sequence[Generation], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for it in found:
        since = f"{it.made_at:%Y-%m-%d %H:%M:%S}" if it.made_at else "the beginning"
        click.echo(f"{it.number:>3}  {it.key_id}  {it.state:<9}  since {since}")
