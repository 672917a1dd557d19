"""`darkroom admin`, of legal holds."""

from pathlib import Path

import click

from adapters.scanning import PostgresScans
from bootstrap.administering import Office
from cli.office import Row, acted, done, identified, in_office, limit_option, printed
from cli.options import data_option, json_option
from commands.holds import LiftHold, PlaceHold
from domain.ids import ImageId


@click.command()
@click.argument("image")
@click.option("--lift", is_flag=True, help="It may be destroyed again.")
@click.option("--reason", default="", help="Why; needed to place it.")
@data_option
@json_option
def hold(image: str, lift: bool, reason: str, data: Path, as_json: bool) -> None:
    """Forbid that an image be destroyed, by anybody and by time.

    \b
    Examples:
      darkroom admin hold img_06h2... --reason "a court wants it"
      darkroom admin hold img_06h2... --lift --reason "the case is closed"
    """
    image_id = ImageId(identified("img", image))
    if not (lift or reason):
        raise click.UsageError("--reason is needed: why must it be kept?")

    async def do(at: Office) -> Row:
        command = LiftHold if lift else PlaceHold
        asked = command(by=at.by, image_id=image_id, reason=reason)
        return await acted(at, asked, imageId=image, legalHold=not lift)

    done(data, do, as_json=as_json)


@click.command()
@limit_option
@data_option
@json_option
def holds(limit: int, data: Path, as_json: bool) -> None:
    """What is under legal hold, the oldest first: why, by whom and since when.

    \b
    Example: darkroom admin holds --json
    """

    from api.holds import shown

    async def look(at: Office) -> list[Row]:
        scans = PostgresScans(at.core.database)
        found = await scans.holds(limit=limit, page=1, cursor=None)
        return [*map(shown, found.held)]

    printed(in_office(data, look), as_json=as_json)


COMMANDS = (hold, holds)
