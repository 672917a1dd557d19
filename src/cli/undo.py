"""`darkroom undo` and `darkroom rewind`: back to how it was, by what compensates."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click
import msgspec

from cli.options import fail, json_option
from cli.signing import client_options

if TYPE_CHECKING:
    from client.api import Credentials


@click.command()
@click.argument("operation")
@client_options
@json_option
def undo(operation: str, url: str, credentials: "Credentials", as_json: bool) -> None:
    """Take back what was done to many images at once: a deletion, tags, a visibility, an album; or
    what `rewind` did.

    OPERATION is the id that `POST /v1/images/bulk` or `rewind --json` answered with; the history of
    an image names it, too. What somebody has changed since is left as it is now.

    Exit code 0 if everything is as it was before, 1 if some is not.
    """
    _report(_posted(url, credentials, f"/v1/operations/{operation}/undo", {}), as_json)


@click.command()
@click.option("--at", required=True, help="A position of the log, or a time as in RFC 3339 (UTC).")
@click.option("--album", help="The id of the album; else everything of your account.")
@click.option("--dry-run", is_flag=True, help="Change nothing, and say what would change.")
@client_options
@json_option
def rewind(
    at: str,
    album: str | None,
    dry_run: bool,
    url: str,
    credentials: "Credentials",
    as_json: bool,
) -> None:
    """Put an album, or all that you have, back to how it was at a moment.

    What you wrote, the order of albums and what is in them, and what you threw away since. Who may
    see what stays as it is. What was purged is gone for good.

    \b
    darkroom rewind --at 2026-01-31T12:00:00Z --dry-run --email ann@example.org
    darkroom rewind --at 4711 --album alb_06h13...

    Exit code 0 if everything is as it was, 1 if some is not.
    """
    path = f"/v1/albums/{album}/restore-to" if album else "/v1/me/restore-to"
    _report(_posted(url, credentials, path, {"at": at, "dryRun": dry_run}), as_json)


def _posted(url: str, credentials: "Credentials", path: str, body: dict[str, Any]) -> Any:
    from client.api import Api, Problem

    async def post() -> Any:
        async with Api(url, credentials) as api:
            return await api.post(path, body, key=uuid4().hex)

    try:
        return asyncio.run(post())
    except Problem as problem:
        fail(f"{url}: {problem.detail} ({problem.code})")


def _report(found: Any, as_json: bool) -> None:
    results = found["results"]
    if as_json:
        click.echo(msgspec.json.encode(found))
    for it in () if as_json else results:
        id = next(value for name, value in it.items() if name.endswith("Id"))
        click.echo(f"{id}  {_outcome(it, dry=found.get('dryRun', False))}")
    if not (as_json or results):
        click.echo("Everything is as it was already.")
    sys.exit(1 if any("error" in it for it in results) else 0)


def _outcome(result: dict[str, Any], *, dry: bool) -> str:
    if error := result.get("error"):
        return f"{error['code']}: {error['detail']}"
    if not result["changed"]:
        return "as it was already"
    return "would be as it was" if dry else "as it was"
