"""`darkroom admin`, of the whole: how full it is, and what waits."""

from pathlib import Path

import click
import msgspec

from adapters.quotas import PostgresQuotas
from adapters.scanning import PostgresScans
from bootstrap.administering import Office
from cli.office import Row, in_office, limit_option, printed
from cli.options import data_option, json_option
from domain.ids import to_text
from projections.quotas import Holder
from projections.reports import Wanted


@click.command()
@data_option
@json_option
def overview(data: Path, as_json: bool) -> None:
    """How full everything is, and what waits for an administrator; `darkroom status` says whether
    everything works.

    \b
    Example: darkroom admin overview --json
    """

    async def look(at: Office) -> list[Row]:
        found = await PostgresQuotas(at.core.database).overview(limit=1)
        _, waiting = await PostgresScans(at.core.database).queue(confirmed=False, page=1, limit=1)
        row = {
            "holders": found.holders,
            "usedBytes": found.used,
            "derivativesBytes": found.derivatives,
            "quotaBytes": found.quota,
            **{f"reached{percent}": count for percent, count in found.reached.items()},
            "reports": (await at.cases.list(Wanted(resolved=False, limit=1))).total,
            "quarantine": waiting,
        }
        if as_json:
            return [row]
        return [{"": name, "now": figure} for name, figure in row.items()]

    printed(in_office(data, look), as_json=as_json)


@click.command()
@limit_option
@data_option
@json_option
def quotas(limit: int, data: Path, as_json: bool) -> None:
    """Accounts and organizations, the fullest first.

    \b
    Example: darkroom admin quotas --limit 10
    """

    async def look(at: Office) -> list[Row]:
        found = await PostgresQuotas(at.core.database).overview(limit=limit)
        return [*map(_holder, found.fullest)]

    printed(in_office(data, look), as_json=as_json)


def _holder(holder: Holder) -> Row:
    row = msgspec.structs.asdict(holder)
    row["id"] = to_text("org" if row.pop("organization") else "u", holder.id)
    return {name: row[name] for name in ("id", "name", "plan", "used", "derivatives", "quota")}


COMMANDS = (overview, quotas)
