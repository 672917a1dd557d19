"""`darkroom keys`: one key follows another."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from adapters.token_keys import Generation
from adapters.url_keys import LONGEST, UrlKey, UrlKeys
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


@keys.command()
@click.option(
    "--keep",
    type=click.IntRange(0, LONGEST.days),
    default=LONGEST.days,
    show_default=True,
    help="Days that URLs and share links which older keys signed still work; with 0, they leaked.",
)
@json_option
@data_option
def rotate(keep: int, as_json: bool, data: Path) -> None:
    """Sign URLs and share links with a new key.

    Every process knows it within two seconds, and believes older keys for as long as any URL lives,
    or for --keep days.
    """
    made = asyncio.run(_url_key(settings_of(data), timedelta(days=keep)))
    _print_url_keys([made], as_json=as_json)


@keys.command("list")
@json_option
@data_option
def listed(as_json: bool, data: Path) -> None:
    """Show the keys that sign URLs, without the keys themselves."""
    _print_url_keys(asyncio.run(_url_keys(settings_of(data))), as_json=as_json)


async def _url_key(settings: Settings, keep: timedelta) -> UrlKey:
    from bootstrap import Core

    core = Core(settings)
    async with core.connected():
        return await UrlKeys(core.database, core.key).rotate(keep)


async def _url_keys(settings: Settings) -> Sequence[UrlKey]:
    from bootstrap import Core

    core = Core(settings)
    async with core.connected():
        return await UrlKeys(core.database, core.key).all()


async def _rotated(settings: Settings, *, at_once: bool) -> Generation:
    from bootstrap import Core, signing_keys

    core = Core(settings)
    async with core.connected():
        return await signing_keys(core).rotate(at_once=at_once)


async def _all(settings: Settings) -> Sequence[Generation]:
    from bootstrap import Core, signing_keys

    core = Core(settings)
    async with core.connected():
        return await signing_keys(core).all()


def _print(found: Sequence[Generation], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for it in found:
        since = f"{it.made_at:%Y-%m-%d %H:%M:%S}" if it.made_at else "the beginning"
        click.echo(f"{it.number:>3}  {it.key_id}  {it.state:<9}  since {since}")


def _print_url_keys(found: Sequence[UrlKey], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for it in found:
        since = f"{it.made_at:%Y-%m-%d %H:%M:%S}" if it.made_at else "the beginning"
        until = f", until {it.ends_at:%Y-%m-%d %H:%M:%S}" if it.ends_at else ""
        click.echo(f"{it.key_id:>3}  {it.state:<9}  since {since}{until}")
