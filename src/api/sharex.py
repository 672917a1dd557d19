"""ShareX, the screenshot tool: a custom uploader to double-click."""

from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get

from api.parts import Given

VERSION = "15.0.0"
"""Of ShareX: since then its functions are written {name:argument}."""


@get("/v1/sharex.sxcu", tags=["uploads"], summary="ShareX's settings for this service")
async def uploader(parts: Given) -> Response[dict[str, Any]]:
    """The token is asked for at each upload, until its owner writes one into the header.

    What is shared by link must be seen by link: hence unlisted.
    """
    return Response(
        {
            "Version": VERSION,
            "Name": f"Darkroom ({urlsplit(parts.public_url).netloc})",
            "DestinationType": "ImageUploader",
            "RequestMethod": "POST",
            "RequestURL": f"{parts.public_url}/v1/images",
            "Headers": {"Authorization": "Bearer {inputbox:Darkroom access token}"},
            "Body": "MultipartFormData",
            "Arguments": {"visibility": "unlisted"},
            "FileFormName": "file",
            "URL": "{json:url}",
            "ThumbnailURL": "{json:thumbnailUrl}",
            "ErrorMessage": "{json:detail}",
        },
        headers={"Content-Disposition": 'attachment; filename="darkroom.sxcu"'},
    )
