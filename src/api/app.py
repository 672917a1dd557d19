"""The application: every route, and what stands before and behind all of them."""

from collections.abc import Awaitable, Callable

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import ScalarRenderPlugin

from api import (
    accounts,
    delivery,
    images,
    listing,
    metadata,
    operations,
    problems,
    tus,
    uploads,
)
from api.identity import AnyRequest, caller, maybe_caller
from api.parts import Parts
from api.waiting import await_position

MAX_BODY = 1_000_000
"""Bytes of a JSON body; forms have limits of their own."""


def create(parts: Parts) -> Litestar:
    return Litestar(
        route_handlers=[
            accounts.AuthController,
            accounts.MeController,
            accounts.jwks,
            uploads.UploadController,
            uploads.TakingInController,
            tus.TusController,
            images.ImageController,
            images.SharingController,
            metadata.metadata,
            listing.images,
            listing.images_of,
            listing.search,
            delivery.original,
            delivery.rendering,
            operations.live,
            operations.ready,
            operations.metrics,
        ],
        dependencies={
            "parts": Provide(lambda: parts, sync_to_thread=False),
            "maybe_caller": Provide(maybe_caller),
            "caller": Provide(caller),
        },
        before_request=_waiting_for(parts),
        exception_handlers=problems.handlers,
        middleware=[operations.Counting(parts.metrics)],
        lifespan=list(parts.lifespan),
        request_max_body_size=MAX_BODY,
        openapi_config=OpenAPIConfig(
            title="Darkroom",
            version="1",
            description="An event-sourced image host.",
            path="/schema",
            render_plugins=[ScalarRenderPlugin()],
        ),
        cors_config=CORSConfig(
            allow_origins=["*"],
            expose_headers=["Darkroom-Position", "ETag", "Location", *tus.EXPOSED],
        ),
    )


def _waiting_for(parts: Parts) -> Callable[[AnyRequest], Awaitable[None]]:
    async def before(request: AnyRequest) -> None:
        await await_position(request, parts)

    return before
