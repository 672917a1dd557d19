"""The JSON of uploads: where to send the bytes, and what has come of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from api import tus_headers
from api.bodies import NewImage
from api.parts import Parts
from commands.multipart import PART
from commands.ports import SignedRequest
from commands.standing import Standing
from commands.uploads import SignedPart, Ticket
from domain.ids import ImageId, to_text
from domain.progress import Piece


def ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "uploadId": to_text("upl", ticket.image_id),
        **_request(ticket.request),
        "multipart": _multipart(PART, ticket.parts) if ticket.parts else None,
    }


def standing(standing: Standing) -> dict[str, Any]:
    upload = standing.upload
    image_id = standing.image_id if upload.finalized else upload.duplicate_of
    shown: dict[str, Any] = {
        "uploadId": to_text("upl", standing.image_id),
        "status": standing.status,
        "size": upload.size,
        "receivedBytes": standing.received,
        "parts": [_received(part) for part in standing.parts],
        "expiresAt": upload.expires_at,
        "imageId": to_text("img", image_id) if image_id else None,
        "multipart": None,
    }
    if standing.request:
        shown |= _request(standing.request)
    if standing.part_size and standing.missing:
        shown["multipart"] = _multipart(standing.part_size, standing.missing)
    return shown


async def completed(data: NewImage, id: ImageId, parts: Parts) -> NewImage:
    """With what a tus client said at the beginning, where the body says nothing."""
    entry = await parts.ledger.find(id)
    if entry is None or not entry.metadata:
        return data
    said = tus_headers.said(entry.metadata).describing
    gaps = {
        field: value
        for field, value in msgspec.structs.asdict(said).items()
        if getattr(data, field) is None
    }
    return msgspec.structs.replace(data, **gaps)


def _request(request: SignedRequest) -> dict[str, Any]:
    return {
        "presignedUrl": request.url,
        "method": request.method,
        "headers": request.headers,
        "expiresIn": request.expires_in,
    }


def _multipart(part_size: int, parts: Sequence[SignedPart]) -> dict[str, Any]:
    return {
        "partSize": part_size,
        "parts": [
            {
                "partNumber": part.number,
                "presignedUrl": part.request.url,
                "headers": part.request.headers,
            }
            for part in parts
        ],
    }


def _received(part: Piece) -> dict[str, Any]:
    return {"partNumber": part.number, "size": part.size, "etag": part.etag, "received": True}
