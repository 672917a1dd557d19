"""Webhooks: the commands, and the reactor that tells them."""

from datetime import timedelta
from functools import partial

from adapters.addresses import PublicAddresses, networks
from adapters.feed import LogFeed
from adapters.positions import HeardPositions
from adapters.posting import HttpSender
from adapters.sealing import Sealer
from adapters.webhooks import PostgresWebhooks
from bootstrap import Core, now
from bootstrap.judging import judge
from commands import webhooks
from commands.dispatcher import Handler
from projections.webhooks import Messenger


def kept(core: Core) -> PostgresWebhooks:
    return PostgresWebhooks(core.database, Sealer(core.key.derived("webhooks")))


def handlers(core: Core) -> dict[type, Handler]:
    return {
        command: partial(handler, store=core.store, webhooks=kept(core))
        for command, handler in (
            (webhooks.CreateWebhook, webhooks.create_webhook),
            (webhooks.RotateSecret, webhooks.rotate_secret),
            (webhooks.Redeliver, webhooks.redeliver),
            (webhooks.DeleteWebhook, webhooks.delete_webhook),
        )
    }


def messenger(core: Core, positions: HeardPositions) -> Messenger:
    return Messenger(
        kept(core),
        HttpSender(PublicAddresses(networks(core.settings.webhook_allow))),
        LogFeed(core.log),
        judge(core, positions),
        store=core.store,
        now=now,
        patience=timedelta(seconds=core.settings.webhook_patience),
    )
