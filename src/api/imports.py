"""Images from elsewhere on the web: a URL instead of bytes."""

import re
from typing import Annotated, Any
from urllib.parse import unquote

from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Meta

from api.arrivals import accepted, created, wishes
from api.bodies import Arriving
from api.idempotency import Ids
from api.identity import Caller
from api.parts import Given
from api.reading import details, file_name
from commands.imports import ImportImage
from domain.ids import ImageId

_BEFORE_PATH = re.compile(r"^[^:]*:/*[^/?#]*")
_AFTER_PATH = re.compile(r"[?#].*$", re.DOTALL)


class NewImport(Arriving, kw_only=True):
    url: Annotated[str, Meta(min_length=1, max_length=2_048)]
    filename: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


@post("/v1/uploads/import", tags=["uploads"], summary="Make an image of what a URL leads to")
async def import_image(
    data: JSONBody[NewImport], caller: Caller, parts: Given, new_id: Ids
) -> Response[Any]:
    visibility, duplicates, album = await wishes(parts, caller, data)
    uploaded = await accepted(
        parts,
        ImportImage(
            by=caller,
            image_id=ImageId(new_id()),
            url=data.url,
            filename=file_name(data.filename or _last_segment(data.url)),
            visibility=visibility,
            details=details(data),
            duplicates=duplicates,
            album_id=album,
        ),
    )
    return await created(parts, uploaded, new=True)


def _last_segment(url: str) -> str:
    path = _AFTER_PATH.sub("", _BEFORE_PATH.sub("", url))
    return unquote(path).rsplit("/", 1)[-1]
