"""The log and what belongs to it as files: pg_dump and pg_restore."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from adapters.embedded import postgres_programs

LOG = ("log.darkroom_events", "log.darkroom_events_*", "log.seals", "log.account_usage")
SECRETS = ("secrets.*", "erasure.tasks", "webhooks.*", "reactors.notices")
COUNTS = tuple(f"counting.{it}" for it in ("images", "days", "hours", "months", "links"))
"""Neither who was seen lately nor the salts that hide who it was."""
KEYS = ("log.stream_keys",)

EMPTY = """
do $$ declare one regclass; begin
    for one in select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r'
        and (n.nspname in ('secrets', 'webhooks') or (n.nspname, c.relname) in (
            ('log', 'stream_keys'), ('log', 'account_usage'), ('log', 'seals'),
            ('erasure', 'tasks'), ('reactors', 'notices'), ('counting', 'images'),
            ('counting', 'days'), ('counting', 'hours'), ('counting', 'months'),
            ('counting', 'links')))
    loop execute format('truncate %s', one); end loop;
end $$"""
"""Clears what a restore that was broken off has left beside an empty log."""


class DumpFailed(Exception):
    """What the program said."""


async def dump(conninfo: str, file: Path, tables: Sequence[str]) -> None:
    """Whole or not at all: one snapshot, on disk under its name when it returns."""
    new = file.with_name(file.name + ".new")
    chosen = [f"--table={table}" for table in tables]
    options = ("--data-only", "--format=custom", f"--file={new}")
    await _run("pg_dump", *options, *chosen, f"--dbname={conninfo}")
    new.replace(file)


async def load(conninfo: str, file: Path) -> None:
    """Into tables that are there and empty, in one transaction."""
    options = ("--data-only", "--single-transaction", "--exit-on-error")
    await _run("pg_restore", *options, f"--dbname={conninfo}", str(file))


async def _run(program: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        _found(program), *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode:
        raise DumpFailed(f"{program}: {said.decode(errors='replace').strip()}")


def _found(program: str) -> str:
    """The embedded server's own, else the system's: neither may be older than the server."""
    try:
        return str(postgres_programs() / program)
    except FileNotFoundError:
        return shutil.which(program) or program
