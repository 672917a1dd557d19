"""`darkroom admin`, of the whole: how full it is, what waits, what may not come again."""

from pathlib import Path
from typing import Any

import click
import msgspec

from adapters.blocklist import PostgresBlocklist
from adapters.development import PostgresPrints
from adapters.quotas import PostgresQuotas
from adapters.scanning import PostgresScans
from bootstrap.administering import Office
from cli.admin import identified, in_office, printed, reason_option
from cli.gate import admin as admin
from cli.options import data_option, fail, json_option
from commands.blocklist import AddBlock, Added, LiftBlock
from domain.ids import ImageId, to_text
from projections.quotas import Holder
from projections.reports import Wanted

limit_option = click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)


@admin.command()
@data_option
@json_option
def overview(data: Path, as_json: bool) -> None:
    """How full everything is, and what waits for an administrator; `darkroom status` says whether
    everything works."""

    async def look(at: Office) -> list[dict[str, Any]]:
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


@admin.command()
@limit_option
@data_option
@json_option
def quotas(limit: int, data: Path, as_json: bool) -> None:
    """Accounts and organizations, the fullest first."""

    async def look(at: Office) -> list[dict[str, Any]]:
        found = await PostgresQuotas(at.core.database).overview(limit=limit)
        return [*map(_holder, found.fullest)]

    printed(in_office(data, look), as_json=as_json)


@admin.command()
@click.argument("what", metavar="IMAGE|SHA256")
@click.option("--looks", is_flag=True, help="Whatever looks like the IMAGE, too: for review.")
@reason_option
@data_option
@json_option
def block(what: str, looks: bool, reason: str, data: Path, as_json: bool) -> None:
    """Let nobody bring it again; what is here already is put into quarantine."""
    checksum = what.lower() if len(what) == 64 else None
    image_id = None if checksum else ImageId(identified("img", what))
    if looks and image_id is None:
        raise click.UsageError("--looks needs an image to look at.")

    async def do(at: Office) -> list[dict[str, Any]]:
        features: dict[str, Any] = {"checksum": checksum}
        if image_id:
            features = await _features(at, image_id, looks=looks)
        added: Added = await at.dispatch(AddBlock(by=at.by, reason=reason, **features))
        return [{"blockId": to_text("blk", added.block_id), "quarantined": added.quarantined}]

    printed(in_office(data, do), as_json=as_json)


@admin.command()
@click.argument("entry", metavar="BLOCK")
@reason_option
@data_option
def unblock(entry: str, reason: str, data: Path) -> None:
    """Let it come again. What was put into quarantine stays there, to be released."""
    block_id = identified("blk", entry)

    async def do(at: Office) -> None:
        await at.dispatch(LiftBlock(by=at.by, block_id=block_id, reason=reason))

    in_office(data, do)
    click.echo(f"{entry}: done.")


@admin.command()
@limit_option
@data_option
@json_option
def blocked(limit: int, data: Path, as_json: bool) -> None:
    """What may not come again, the oldest first: why, never what."""

    async def look(at: Office) -> list[dict[str, Any]]:
        page = await PostgresBlocklist(at.core.database).list(limit=limit, page=1, cursor=None)
        return [
            {
                "blockId": to_text("blk", it.id),
                "manner": it.manner.value,
                "reason": it.reason,
                "addedBy": to_text("u", it.added_by),
                "addedAt": it.added_at,
            }
            for it in page.entries
        ]

    printed(in_office(data, look), as_json=as_json)


async def _features(at: Office, image_id: ImageId, *, looks: bool) -> dict[str, Any]:
    """What the image is known by."""
    exhibit = await at.gallery.find(image_id)
    if exhibit is None or not exhibit.card.finalized:
        fail("There is no such image.")
    if not looks:
        return {"checksum": exhibit.card.checksum}
    traits = (await PostgresPrints(at.core.database).traits([image_id])).get(image_id)
    if traits is None or traits.fingerprint is None:
        fail("It has nothing to be recognized by: flat, or not processed yet.")
    return {"fingerprint": traits.fingerprint}


def _holder(holder: Holder) -> dict[str, Any]:
    row = msgspec.structs.asdict(holder)
    row["id"] = to_text("org" if row.pop("organization") else "u", holder.id)
    return {name: row[name] for name in ("id", "name", "plan", "used", "derivatives", "quota")}
