"""The application: every route, and what stands before and behind all of them."""

from collections.abc import Awaitable, Callable

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.plugins import ScalarRenderPlugin

from api import (
    abuse,
    account_pages,
    accounts,
    administration,
    album_images,
    album_sharing,
    albums,
    api_keys,
    audit,
    blocklist,
    bulk,
    collaborators,
    delivery,
    embeds,
    entrance,
    erasure,
    explaining,
    exports,
    feed,
    guests,
    history,
    holds,
    idempotency,
    images,
    imports,
    invitations,
    likeness,
    listing,
    metadata,
    notices,
    oauth,
    oidc,
    operations,
    orgs,
    parked,
    persons,
    presets,
    problems,
    quotas,
    reports,
    restoring,
    review,
    share_pages,
    sharex,
    sharing,
    teams,
    transforms,
    tus,
    upkeep,
    uploads,
    users,
    versions,
    viewing,
    webhooks,
)
from api.bodies import MAX_BODY
from api.correlating import REQUEST_ID
from api.deadlines import Deadlines
from api.documented import Documented
from api.identity import AnyRequest, acquainted, administrator, bearer, caller, maybe_caller
from api.methods import Methods
from api.parts import Parts
from api.reading import JsonRequest
from api.waiting import await_position

EXPOSED = [
    *("Accept-Ranges", "Allow", "Content-Disposition", "Content-Range", "Darkroom-Position"),
    *("Darkroom-Search", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"),
    *(REQUEST_ID, idempotency.REPLAYED, *tus.EXPOSED),
]
"""What scripts of other origins may read of an answer, beside what every script may."""


def create(parts: Parts) -> Litestar:
    return Methods(
        route_handlers=[
            accounts.AuthController,
            accounts.MeController,
            accounts.jwks,
            api_keys.ApiKeyController,
            persons.PersonController,
            presets.PresetController,
            persons.MailedController,
            account_pages.AccountPages,
            oidc.OidcController,
            oauth.token,
            oauth.metadata,
            uploads.UploadController,
            uploads.TakingInController,
            guests.UploadTokenController,
            imports.import_image,
            sharex.uploader,
            tus.TusController,
            images.ImageController,
            sharing.SharingController,
            share_pages.SharePages,
            collaborators.CollaboratorController,
            embeds.embed,
            embeds.oembed,
            embeds.page,
            explaining.access,
            albums.AlbumController,
            album_sharing.AlbumSharingController,
            album_images.AlbumImagesController,
            orgs.OrganizationController,
            orgs.MemberController,
            invitations.InvitingController,
            invitations.InvitedController,
            teams.TeamsController,
            teams.TeamController,
            erasure.PurgingController,
            erasure.receipt,
            exports.of_account,
            exports.of_album,
            administration.RescanController,
            holds.LegalHoldController,
            holds.holds,
            review.QuarantineController,
            review.TakedownController,
            review.counter_notice,
            notices.NoticeController,
            users.UserController,
            audit.entries,
            quotas.quotas,
            abuse.report,
            abuse.ReportController,
            blocklist.BlocklistController,
            bulk.act,
            bulk.undo,
            metadata.metadata,
            versions.versions,
            feed.events,
            feed.schema,
            webhooks.WebhookController,
            upkeep.ProjectionController,
            parked.ParkedController,
            restoring.album,
            restoring.account,
            history.of_image,
            history.of_album,
            history.of_organization,
            history.of_account,
            listing.images,
            listing.images_of,
            listing.search,
            reports.usage,
            likeness.similar,
            delivery.original,
            delivery.rendering,
            transforms.transformed,
            operations.live,
            operations.ready,
            operations.metrics,
        ],
        dependencies={
            "parts": Provide(lambda: parts, sync_to_thread=False),
            "maybe_caller": Provide(maybe_caller),
            "bearer": Provide(bearer),
            "caller": Provide(caller),
            "administrator": Provide(administrator),
            "new_id": Provide(idempotency.new_id, sync_to_thread=False),
        },
        before_request=_before(parts),
        before_send=[entrance.tell_limits],
        exception_handlers=problems.handlers,
        middleware=[
            *([viewing.Viewing(parts.counter)] if parts.counter else []),
            Deadlines(parts.pace),
            entrance.Entrance(parts),
            idempotency.Idempotency(parts),
        ],
        lifespan=list(parts.lifespan),
        state=State({"parts": parts}, deep_copy=False),
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY,
        response_headers={"Cache-Control": "private, no-cache"},
        openapi_config=Documented(
            title="Darkroom",
            version="1",
            description="An event-sourced image host.",
            path="/schema",
            render_plugins=[ScalarRenderPlugin()],
        ),
        cors_config=CORSConfig(allow_origins=["*"], expose_headers=EXPOSED),
    )


def _before(parts: Parts) -> Callable[[AnyRequest], Awaitable[None]]:
    async def before(request: AnyRequest) -> None:
        await acquainted(request, parts)
        await await_position(request, parts)

    return before
