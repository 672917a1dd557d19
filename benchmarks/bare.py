"""The least that a Litestar route on Granian can do: the same bytes, and nothing else."""

import os
import sys
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from litestar import Litestar, Request, Response, get

ETAG = '"bare"'


def app() -> Litestar:
    content = Path(os.environ["BARE"]).read_bytes()

    @get("/thumb.webp", media_type="image/webp")
    async def thumb() -> bytes:
        return content

    @get("/unchanged.webp")
    async def unchanged(request: Request) -> Response:
        if request.headers.get("If-None-Match") == ETAG:
            return Response(b"", status_code=304, headers={"ETag": ETAG})
        return Response(content, media_type="image/webp", headers={"ETag": ETAG})

    return Litestar([thumb, unchanged], openapi_config=None)


def main(port: int, workers: int) -> None:
    Granian(
        "benchmarks.bare:app",
        factory=True,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        loop=Loops.uvloop,
        workers=workers,
        log_access=False,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
