"""The API: its parts, and what runs beside it in each of its processes."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from litestar import Litestar
from litestar.types import ASGIApp

from adapters import api_keys, counting, token_keys, transforms, url_keys
from adapters.accounts import PostgresAccounts
from adapters.addresses import PublicAddresses, networks
from adapters.albums import PostgresAlbums
from adapters.allowances import REFRESH, PostgresAllowances
from adapters.api_keys import PostgresApiKeys
from adapters.audit_log import LogEntries
from adapters.backlogs import PostgresBacklogs
from adapters.blocklist import PostgresBlocklist
from adapters.claims import PostgresClaims
from adapters.counting import PostgresCounter
from adapters.credentials import BearerCredentials
from adapters.development import PostgresPrints
from adapters.erasure import PostgresErasures
from adapters.feed import LogFeed
from adapters.forgetting import LOOK, Forgetting
from adapters.gallery import PostgresGallery
from adapters.health import Health
from adapters.idempotency import PostgresRecords
from adapters.lab import VipsLab
from adapters.ledger import PostgresLedger
from adapters.likeness import PostgresLikenesses
from adapters.limits import PostgresLimiter
from adapters.metrics import Metrics
from adapters.notices import PostgresNotices
from adapters.organizations import PostgresOrganizations
from adapters.parking import LogParking
from adapters.passwords import Argon2Passwords
from adapters.places import PostgresFamily
from adapters.positions import HeardPositions
from adapters.posting import allowed
from adapters.quotas import PostgresQuotas
from adapters.reaping import LogHistories
from adapters.reports import PostgresCases
from adapters.s3 import CONNECTIONS
from adapters.sandbox import die_with_parent
from adapters.scanning import PostgresScans
from adapters.signed_urls import HmacUrls
from adapters.tallies import PostgresTallies
from adapters.tokens import JwtTokens
from adapters.transforms import PostgresShelf
from adapters.upkeep import PostgresUpkeep
from adapters.upload_tokens import PostgresUploadTokens
from adapters.url_keys import UrlKeys
from adapters.usage_reports import PostgresReports
from adapters.weights import PostgresWeights
from api.app import create
from api.clients import recognized
from api.correlating import Correlating
from api.deadlines import Pace
from api.direct import Direct
from api.parts import Parts
from api.streaming import Turnstile
from api.tus import Dialect
from bootstrap import (
    Core,
    new_id,
    now,
    people,
    scanner,
    searching,
    sessions,
    signing_keys,
    webhooks,
)
from bootstrap.dispatching import dispatcher
from bootstrap.judging import judge
from bootstrap.loops import after, every, for_ever
from commands.limits import Tolls
from commands.prints import Printer
from commands.transforming import Transformer
from domain.refusals import Unavailable
from settings import Settings, load

ARCHIVES = 8
"""Sent at once by a process; each holds a connection to the object store, for hours maybe."""


def app() -> ASGIApp:
    """The API of one worker process, from its environment."""
    die_with_parent()
    settings = load(os.environ)
    metrics = Metrics()
    framework = application(settings, metrics)
    app = Dialect(framework, max_size=settings.max_file_bytes)
    gc.freeze()  # what is here by now is no garbage: looking for some in it stops every request
    return Direct(Correlating(app, metrics), framework.state.parts, metrics)


def application(settings: Settings, metrics: Metrics) -> Litestar:
    core = Core(settings)
    decoders = max(settings.lab_workers // settings.api_workers, 1)
    lab = VipsLab(settings.caps, workers=decoders, queue=settings.lab_queue)
    claims = PostgresClaims(core.database)
    gallery = PostgresGallery(core.database, core.store)
    positions = HeardPositions(core.database, core.names)
    passwords = Argon2Passwords(core.database)
    limiter = None if settings.rate_limits == "off" else PostgresLimiter(core.database)
    keys = PostgresApiKeys(core.database)
    signing, signing_urls = signing_keys(core), UrlKeys(core.database, core.key)
    proxies = networks(settings.trusted_proxies)
    counter = PostgresCounter(core.database, now, partial(recognized, proxies=proxies))
    allowances = PostgresAllowances(core.database, settings.known_plans, now)
    weights = PostgresWeights(core.database)
    printer = Printer(
        core.objects,
        lab,
        core.spool,
        claims,
        weights,
        held=settings.rendering_memory,
        queue=settings.rendering_queue,
    )
    shelf = PostgresShelf(core.database, now, budget=settings.transform_budget)
    transformer = Transformer(
        objects=core.objects, lab=lab, spool=core.spool, shelf=shelf, printer=printer
    )

    forgetting = Forgetting(
        core.database,
        *(core.log.keyring.forget_all, gallery.forget, printer.forget, transformer.forget),
    )

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        async with core.opened():
            health.nats = core.nats
            await positions.listen(core.nats)
            lab.start()
            await signing.load()
            await signing_urls.load()
            await counter.load()
            await forgetting.work()
            tasks = [
                asyncio.create_task(work)
                for work in (
                    every(api_keys.FLUSH, "uses of keys", keys.flush),
                    every(token_keys.LOOK, "token keys", signing.load),
                    every(url_keys.LOOK, "URL keys", signing_urls.load),
                    every(counting.FLUSH, "counts", counter.work),
                    every(REFRESH, "allowances", allowances.refresh),
                    every(transforms.FLUSH, "uses of transforms", shelf.flush),
                    for_ever("forgetting", forgetting.work, after(LOOK)),
                )
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                with suppress(Unavailable):
                    await keys.flush()
                    await counter.flush()
                    await shelf.flush()
                await transformer.close()
                await lab.close()
                await claims.close()
                await gallery.close()

    tokens = JwtTokens(
        signing.ring,
        issuer=settings.public_url,
        lifetime=settings.access_token_seconds,
        now=now,
    )
    health = Health(core.database, core.log, None, core.objects, scanner(settings), settings)
    return create(
        Parts(
            dispatch=dispatcher(core, lab, passwords, limiter, keys, allowances),
            gallery=gallery,
            albums=PostgresAlbums(core.database, core.store),
            organizations=PostgresOrganizations(core.database, core.store),
            suspects=PostgresScans(core.database),
            notices=PostgresNotices(core.database),
            accounts=PostgresAccounts(core.database),
            search=searching.search(core),
            likenesses=PostgresLikenesses(core.database, core.store),
            prints=PostgresPrints(core.database),
            feed=LogFeed(core.log),
            positions=positions,
            objects=core.objects,
            ledger=PostgresLedger(core.database),
            lab=lab,
            printer=printer,
            transformer=transformer,
            steps=settings.steps,
            store=core.store,
            hasher=core.key,
            sessions=sessions(core),
            tokens=tokens,
            credentials=BearerCredentials(core.database, tokens, keys, core.store),
            api_keys=keys,
            providers=people.providers(core),
            upload_tokens=PostgresUploadTokens(core.database),
            tolls=Tolls(limits=settings.limits, limiter=limiter) if limiter else None,
            proxies=proxies,
            signer=HmacUrls(signing_urls.ring),
            url_keys=signing_urls,
            health=health,
            metrics=metrics,
            backlogs=PostgresBacklogs(core.database, indexed=bool(settings.meili_url)),
            counter=counter if settings.counting == "on" else None,
            weights=weights,
            allowances=allowances,
            tallies=PostgresTallies(core.database),
            reports=PostgresReports(core.database),
            records=PostgresRecords(core.database, core.key),
            erasures=PostgresErasures(core.database),
            audit_log=LogEntries(core.log),
            cases=PostgresCases(core.database),
            quotas=PostgresQuotas(core.database),
            blocklist=PostgresBlocklist(core.database),
            judge=judge(core, positions),
            webhooks=webhooks.kept(core),
            upkeep=PostgresUpkeep(core.database),
            parking=LogParking(core.log, core.store),
            check_url=partial(allowed, public=PublicAddresses(networks(settings.webhook_allow))),
            new_id=new_id,
            clock=now,
            public_url=settings.public_url,
            admin_email=settings.admin_email,
            confirmed=settings.confirmed,
            spool=core.spool,
            caps=settings.caps,
            pace=Pace(
                grace=settings.body_grace,
                rate=settings.body_min_rate,
                reading_rate=settings.answer_min_rate,
            ),
            streams=Turnstile(CONNECTIONS // 2),
            archives=Turnstile(ARCHIVES),
            histories=LogHistories(core.log),
            belongings=PostgresFamily(core.database),
            forget=forgetting.forget,
            lifespan=[running],
        )
    )
