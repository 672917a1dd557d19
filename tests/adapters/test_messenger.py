"""Webhooks against a receiver that is down, slow, confused, or leads inside."""

import asyncio
import inspect
import socket
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from adapters.addresses import PublicAddresses, networks
from adapters.feed import LogFeed
from adapters.posting import HttpSender, allowed
from adapters.sealing import Sealer
from adapters.web import resolved
from adapters.webhooks import KEPT, PostgresWebhooks
from bootstrap import new_id, now
from commands.ports import Batch
from commands.webhooks import CreateWebhook, Redeliver, create_webhook, load_webhook, redeliver
from domain.ids import WebhookId
from domain.image_events import ImageCleared
from domain.refusals import UrlForbidden
from domain.webhook import Cause, DeliveryAbandoned, Endpoint, WebhookDisabled
from projections.feed import Wanted, for_viewer
from projections.webhooks import Messenger, pause, wanted
from tests.adapters.test_following import opened, write
from tests.elsewhere import ELSEWHERE
from tests.receiver import Receiver, answer, confused, slow
from tests.spec import OWNER

PUBLIC = PublicAddresses(networks(f"{ELSEWHERE}/32"))
DAY = timedelta(days=1)
SIGNED = {"webhook-id": "msg_1", "webhook-signature": "v1,"}


class Everything:
    """The Seen port without read models: the owner's own acts are shown to them."""

    async def told(self, caller, page, wanted):
        return for_viewer(caller, page, {}, {}, {}, wanted, now=now())


@pytest.fixture
def hooks(core):
    return PostgresWebhooks(
        core.database, Sealer(core.key.derived("webhooks")), lease=timedelta(seconds=1)
    )


@pytest.fixture
def make(core, hooks):
    async def make(url, *types):
        id = WebhookId(new_id())
        endpoint = Endpoint(url=url)
        command = CreateWebhook(
            by=OWNER, webhook_id=id, endpoint=endpoint, types=types, album_id=None
        )
        return id, (await create_webhook(command, store=core.store, webhooks=hooks)).secret

    return make


def messenger(core, hooks, patience=DAY, sender=None):
    sender = sender or HttpSender(PUBLIC, patience=1.0)
    feed = LogFeed(core.log)
    return Messenger(
        hooks, sender, feed, Everything(), store=core.store, now=now, patience=patience
    )


async def turn(messenger, *, slow=False) -> bool:
    """Whether there was one to take."""
    found = await messenger.next(slow=slow)
    if found:
        await found()
    return found is not None


@asynccontextmanager
async def telling(*messengers):
    """Each with a worker for those that are slow, and one for the others."""

    async def work(it, slow):
        while True:
            if not await turn(it, slow=slow):
                await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(work(it, slow)) for it in messengers for slow in (False, True)]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds, within=30.0):
    """`holds` may have to be awaited."""
    async with asyncio.timeout(within):
        while True:
            found = holds()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.02)


async def disabled(core, id):
    return (await load_webhook(id, store=core.store)).disabled


def positions(receiver):
    return [it["data"]["position"] for it in receiver.told]


async def test_it_is_told_in_order_and_each_once(core, hooks, make, receiver):
    _, receiver.secret = await make(receiver.url(), "image")

    async with telling(messenger(core, hooks), messenger(core, hooks)):
        written = [await write(core, uuid4(), opened()) for _ in range(60)]
        await until(lambda: len(receiver.told) >= 60)
        await asyncio.sleep(0.2)

    assert positions(receiver) == written
    assert len(set(receiver.ids)) == 60
    first = receiver.told[0]
    assert first["type"] == first["data"]["type"] == "image.upload-initiated"
    assert first["timestamp"] == first["data"]["at"]


async def test_only_what_it_wants(core, hooks, make, receiver):
    _, receiver.secret = await make(receiver.url(), "image.cleared", "album")
    stream = uuid4()

    async with telling(messenger(core, hooks)):
        await write(core, stream, opened())
        await write(core, stream, ImageCleared(scanner="decode"), after=1)
        await until(lambda: receiver.told)

    assert [it["type"] for it in receiver.told] == ["image.cleared"]
    assert not wanted((), "webhook.disabled")


async def test_down_and_up_again_nothing_is_left_out(core, hooks, make, receiver):
    id, receiver.secret = await make(receiver.url())
    receiver.down()
    patience = timedelta(seconds=600)

    async def tried():
        return (await hooks.of(OWNER))[id].attempts

    async with telling(messenger(core, hooks, patience)):
        written = [await write(core, uuid4(), opened()) for _ in range(5)]
        await until(tried)
        receiver.up()
        await until(lambda: len(receiver.told) == 5)

    assert positions(receiver) == written
    first = (await hooks.deliveries(id, before=None, limit=10))[-1]
    assert (first.position, first.state, first.attempts > 1) == (written[0], "delivered", True)


async def test_what_goes_wrong_is_tried_again_with_the_same_id(core, hooks, make, receiver):
    id, receiver.secret = await make(receiver.url())
    forwards = partial(answer, status=302, Location="http://127.0.0.1:1/inside")
    mumbling = partial(answer, status=500, body=b"\0canary" * 1_000)
    receiver.answers = [forwards, confused, slow(2.0), mumbling]

    async with telling(messenger(core, hooks, timedelta(seconds=600))):
        position = await write(core, uuid4(), opened())
        reasons = []
        while not receiver.told:
            for it in await hooks.deliveries(id, before=None, limit=1):
                if not reasons or reasons[-1] != (it.status, it.reason):
                    reasons.append((it.status, it.reason))
                    assert len(it.answer) <= 300
            await asyncio.sleep(0.01)

    assert len(receiver.ids) == 5
    assert set(receiver.ids) == {receiver.ids[0]}
    assert positions(receiver) == [position]
    assert reasons[:4] == [(302, ""), (None, "malformed answer"), (None, "too slow"), (500, "")]


async def test_one_that_is_slow_holds_up_nobody(core, hooks, make, receiver):
    dead = [Receiver() for _ in range(3)]
    for it in dead:
        it.always = slow(30.0)
        await make(it.url())
    _, receiver.secret = await make(receiver.url())

    async with telling(messenger(core, hooks)):
        await write(core, uuid4(), opened())
        await until(lambda: all(it.ids for it in dead))
        await until(lambda: len(receiver.told) == 1)
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            await write(core, uuid4(), opened())
        await until(lambda: len(receiver.told) == 21)
        took = asyncio.get_running_loop().time() - began

    assert took < 30.0, "nobody waits for an answer that does not come"
    for it in dead:
        it.down()


async def test_what_cannot_be_told_for_a_day_is_given_up_and_its_owner_learns_it(
    core, hooks, make, receiver
):
    id, receiver.secret = await make(receiver.url())
    receiver.always = partial(answer, status=500)

    async with telling(messenger(core, hooks, timedelta(seconds=0.2))):
        written = [await write(core, uuid4(), opened()) for _ in range(6)]
        await until(partial(disabled, core, id))

        events = [it.event for it in await core.store.load(id)][1:]
        assert [it.position for it in events[:-1]] == written[:5]
        assert {type(it) for it in events[:-1]} == {DeliveryAbandoned}
        assert events[-1] == WebhookDisabled(owner_id=OWNER, cause=Cause.FAILING)
        seen = len(receiver.ids)
        await asyncio.sleep(0.5)
        assert len(receiver.ids) == seen, "nothing is tried until somebody asks for it"
        dead = await hooks.deliveries(id, before=None, limit=10)
        assert [it.state for it in dead] == ["dead"] * 5

        receiver.always = None
        again = Redeliver(by=OWNER, webhook_id=id, position=written[0], request=uuid4())
        await redeliver(again, store=core.store, webhooks=hooks)
        await until(lambda: len(receiver.told) == 6)

    assert positions(receiver) == written
    notices = for_viewer(OWNER, await core.store.load(id), {}, {}, {}, Wanted(), now=now())
    told = [it.type for it in notices]
    assert told.count("webhook.delivery-abandoned") == 5
    assert "webhook.disabled" in told


async def test_one_that_says_it_is_gone_is_believed(core, hooks, make, receiver):
    id, _ = await make(receiver.url())
    receiver.always = partial(answer, status=410)

    async with telling(messenger(core, hooks)):
        await write(core, uuid4(), opened())
        await until(partial(disabled, core, id))

    assert len(receiver.ids) == 1
    assert await disabled(core, id) is Cause.GONE


async def test_who_dies_between_answer_and_note_is_followed(core, hooks, make, receiver):
    """As kill -9 leaves it: claimed, told, and never noted."""
    _, receiver.secret = await make(receiver.url())
    position = await write(core, uuid4(), opened())

    class Dying(HttpSender):
        async def post(self, url, headers, body):
            await super().post(url, headers, body)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await turn(messenger(core, hooks, sender=Dying(PUBLIC)))
    assert not await turn(messenger(core, hooks)), "still the other's, for a moment"
    async with telling(messenger(core, hooks)):
        await until(lambda: len(receiver.told) == 2)

    assert positions(receiver) == [position, position]
    assert receiver.ids[0] == receiver.ids[1]


async def test_both_secrets_sign_after_a_rotation(core, hooks, make, receiver):
    id, receiver.secret = await make(receiver.url())
    former, request = receiver.secret, uuid4()
    await hooks.rotate(id, request)
    new = await hooks.secret(id)
    await hooks.rotate(id, request)
    assert await hooks.secret(id) == new != former

    async with telling(messenger(core, hooks)):
        await write(core, uuid4(), opened())
        await until(lambda: receiver.told)
        receiver.secret = new
        await write(core, uuid4(), opened())
        await until(lambda: len(receiver.told) == 2)

    assert all(len(it.split()) == 2 for it in receiver.signatures)


async def test_the_log_of_deliveries_is_bounded(core, hooks, make, receiver):
    id, _ = await make(receiver.url())
    async with core.database.connection() as connection:
        await connection.execute("update webhooks.endpoints set tried = %s", (KEPT,))
        await connection.execute(
            "insert into webhooks.deliveries (webhook_id, position, number, type, state, attempts,"
            " reason, answer, milliseconds) select %s, -n, n, 'image.cleared', 'delivered', 1, '',"
            " '', 1 from generate_series(1, %s) n",
            (id, KEPT),
        )

    async def noted():
        return (await hooks.deliveries(id, before=None, limit=1))[0].position > 0

    async with telling(messenger(core, hooks)):
        await write(core, uuid4(), opened())
        await until(noted)

    rows = await core.database.rows("select count(*), min(number) from webhooks.deliveries")
    assert rows == [(KEPT, 2)]


@contextmanager
def inside(port=0):
    """A server that nobody may connect to."""
    with socket.create_server(("127.0.0.1", port)) as server:
        server.setblocking(False)
        yield server.getsockname()[1]
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "[::1]", "169.254.169.254", "inside.example", "2130706433", "0x7f000001"),
        *("127.1", "0.0.0", "10.0.0.1", "100.64.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        *("[64:ff9b::7f00:1]", "[fd00::1]", "[fe80::1]", "[::]", "localhost", "localhost."),
    ],
)
async def test_nothing_inside_is_ever_connected_to(host):
    with inside() as port:

        async def resolve(host, port):
            names = "inside" in host or not any(it in host for it in ".:")
            return ["127.0.0.1"] if names else await resolved(host, port)

        sender = HttpSender(PUBLIC, resolve=resolve, ports=frozenset({port}))
        answered = await sender.post(f"http://{host}:{port}/", {}, b"{}")

    assert answered.status is None
    assert answered.reason == "no public address"


async def test_a_redirect_is_an_answer_and_leads_nowhere(receiver):
    with inside() as port:
        place = f"http://127.0.0.1:{port}/"
        receiver.always = partial(answer, status=307, Location=place)
        answered = await HttpSender(PUBLIC).post(receiver.url(), SIGNED, b"{}")

    assert (answered.status, answered.good) == (307, False)


async def test_a_name_that_changes_its_mind_is_looked_up_once_for_each_request(receiver):
    answers = [[ELSEWHERE], ["127.0.0.1"], [ELSEWHERE, "127.0.0.1"]]

    async def resolve(host, port):
        return answers.pop(0)

    with inside(receiver.port):
        sender = HttpSender(PUBLIC, resolve=resolve)
        url = f"http://rebinding.example:{receiver.port}{receiver.path}"
        answered = [await sender.post(url, SIGNED, b"{}") for _ in range(3)]

    assert [it.status for it in answered] == [204, None, None]
    assert [it.reason for it in answered] == ["", *["no public address"] * 2]


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/", "http://u:p@example.org/", "http://127.0.0.1:8080/"),
        *("http://example.org:22/", "http://[::1]/", "not a url", "http://10.0.0.1/"),
    ],
)
def test_where_no_webhook_can_be(url):
    with pytest.raises(UrlForbidden):
        allowed(url, public=PUBLIC)


def test_tries_within_a_day():
    """15 of them, ever further apart: by hours at the end."""
    pauses, attempts = [], 0
    while sum(pauses, start=timedelta()) <= DAY:
        pauses.append(pause(attempts, DAY))
        attempts += 1

    assert pauses[0] == timedelta(seconds=5)
    assert pauses[-1] == timedelta(hours=3)
    assert attempts == 15


async def test_an_empty_batch_is_no_event(core, hooks):
    assert await hooks.claim(slow=False) is None
    await core.store.append([Batch(stream_id=uuid4(), after=0, events=[opened()])], by=OWNER)
    assert await hooks.claim(slow=False) is None
