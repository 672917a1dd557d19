"""`darkroom admin`, of the blocklist: what may not come again."""

from pathlib import Path
from typing import Any

import click

from adapters.blocklist import PostgresBlocklist
from adapters.development import PostgresPrints
from bootstrap.administering import Office
from cli.office import (
    Row,
    acted,
    done,
    identified,
    in_office,
    limit_option,
    printed,
    reason_option,
)
from cli.options import data_option, fail, json_option
from commands.blocklist import AddBlock, Added, LiftBlock
from domain.ids import ImageId, to_text


@click.command()
@click.argument("what", metavar="IMAGE|SHA256")
@click.option("--looks", is_flag=True, help="Whatever looks like the IMAGE, too: for review.")
@reason_option
@data_option
@json_option
def block(what: str, looks: bool, reason: str, data: Path, as_json: bool) -> None:
    """Let nobody bring it again; what is here already is put into quarantine.

    \b
    Examples:
      darkroom admin block img_06h2... --reason "never again"
      darkroom admin block img_06h2... --looks --reason "nor what is made of it"
    """
    checksum = what.lower() if len(what) == 64 else None
    image_id = None if checksum else ImageId(identified("img", what))
    if looks and image_id is None:
        raise click.UsageError("--looks needs an image to look at.")

    async def do(at: Office) -> Row:
        features: dict[str, Any] = {"checksum": checksum}
        if image_id:
            features = await _features(at, image_id, looks=looks)
        added: Added = await at.dispatch(AddBlock(by=at.by, reason=reason, **features))
        facts = {"blockId": to_text("blk", added.block_id), "quarantined": added.quarantined}
        return facts | {"position": added.receipt.position}

    done(data, do, as_json=as_json)


@click.command()
@click.argument("entry", metavar="BLOCK")
@reason_option
@data_option
@json_option
def unblock(entry: str, reason: str, data: Path, as_json: bool) -> None:
    """Let it come again. What was put into quarantine stays there, to be released.

    \b
    Example: darkroom admin unblock blk_06h2... --reason "a mistake"
    """
    block_id = identified("blk", entry)

    async def do(at: Office) -> Row:
        command = LiftBlock(by=at.by, block_id=block_id, reason=reason)
        return await acted(at, command, blockId=entry, blocked=False)

    done(data, do, as_json=as_json)


@click.command()
@limit_option
@data_option
@json_option
def blocked(limit: int, data: Path, as_json: bool) -> None:
    """What may not come again, the oldest first: why, never what.

    \b
    Example: darkroom admin blocked --json
    """

    async def look(at: Office) -> list[Row]:
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


COMMANDS = (block, unblock, blocked)
