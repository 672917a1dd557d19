"""Webhooks, by the rules."""

from uuid import UUID

from domain import webhook
from domain.refusals import Conflict, NotFound
from domain.webhook import (
    Cause,
    DeliveryAbandoned,
    Endpoint,
    SecretRotated,
    TurnedBack,
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
)
from tests.spec import OWNER, STRANGER, Given

REQUEST, OTHER = UUID(int=1), UUID(int=2)
ENDPOINT = Endpoint(url="https://example.org/hook")
created = WebhookCreated(owner_id=OWNER, types=("image",), personal=ENDPOINT)
asked = {"by": OWNER, "endpoint": ENDPOINT, "types": ("image",), "album_id": None}


def given(*events):
    return Given(webhook.evolve, *events)


def test_it_is_made_once():
    given().when(webhook.create, **asked).then(created)
    given(created).when(webhook.create, **asked).then_nothing()
    given(created).when(webhook.create, **asked | {"by": STRANGER}).then_refused(Conflict)
    given(created, WebhookDeleted()).when(webhook.create, **asked).then_refused(Conflict)


def test_a_secret_is_made_anew_once_for_each_request():
    rotated = SecretRotated(request=REQUEST)
    given(created).when(webhook.rotate, by=OWNER, request=REQUEST).then(rotated)
    given(created, rotated).when(webhook.rotate, by=OWNER, request=REQUEST).then_nothing()
    (
        given(created, rotated)
        .when(webhook.rotate, by=OWNER, request=OTHER)
        .then(SecretRotated(request=OTHER))
    )


def test_it_is_turned_back_and_told_again():
    rewound = TurnedBack(after=6, request=REQUEST)
    rewind = {"by": OWNER, "after": 6, "request": REQUEST}
    disabled = WebhookDisabled(owner_id=OWNER, cause=Cause.GONE)
    given(created, disabled).when(webhook.rewind, **rewind).then(rewound)
    given(created, rewound).when(webhook.rewind, **rewind).then_nothing()
    given(created, disabled, rewound).when(webhook.disable, cause=Cause.GONE).then(disabled)


def test_what_was_given_up_is_noted_once():
    abandoned = DeliveryAbandoned(owner_id=OWNER, position=7)
    given(created).when(webhook.abandon, position=7).then(abandoned)
    given(created, abandoned).when(webhook.abandon, position=7).then_nothing()
    again = TurnedBack(after=6, request=REQUEST)
    given(created, abandoned, again).when(webhook.abandon, position=7).then(abandoned)
    given(created, WebhookDeleted()).when(webhook.abandon, position=7).then_nothing()


def test_it_is_disabled_once():
    disabled = WebhookDisabled(owner_id=OWNER, cause=Cause.FAILING)
    given(created).when(webhook.disable, cause=Cause.FAILING).then(disabled)
    given(created, disabled).when(webhook.disable, cause=Cause.FAILING).then_nothing()
    given(created, WebhookDeleted()).when(webhook.disable, cause=Cause.GONE).then_nothing()


def test_it_ends_once():
    given(created).when(webhook.delete, by=OWNER).then(WebhookDeleted())
    given(created, WebhookDeleted()).when(webhook.delete, by=OWNER).then_refused(NotFound)
    given(created).when(webhook.end).then(WebhookDeleted())
    given(created, WebhookDeleted()).when(webhook.end).then_nothing()
    given().when(webhook.end).then_nothing()


def test_to_others_there_is_none():
    for decide, facts in (
        (webhook.rotate, {"request": REQUEST}),
        (webhook.rewind, {"after": 1, "request": REQUEST}),
        (webhook.delete, {}),
    ):
        given(created).when(decide, by=STRANGER, **facts).then_refused(NotFound)
        given().when(decide, by=OWNER, **facts).then_refused(NotFound)


def test_without_its_key_nobody_knows_where_it_led():
    state = webhook.evolve(None, WebhookCreated(owner_id=OWNER, personal=None))
    assert state.url == ""
