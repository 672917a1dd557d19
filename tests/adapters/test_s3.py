"""The contract of the ObjectStore port, on the real store; the barrier beside it."""

import asyncio
import hashlib
import os
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from adapters import s3
from adapters.s3 import Barrier, S3Objects
from commands.ports import ObjectKey, ObjectMissing
from domain.refusals import Unavailable
from tests.service import free_port

BODY = os.urandom(700_000)
TYPE = "image/jpeg"


@pytest.fixture
async def objects(settings):
    store = connected(settings.objects_url, settings)
    await store.open()
    await store.ensure_bucket()
    await store.ensure_bucket()  # it is there already: nothing happens
    yield store
    await store.close()


def connected(url: str, settings) -> S3Objects:
    return S3Objects(
        url=url,
        public_url="",
        access_key=settings.objects_access_key,
        secret_key=settings.objects_secret_key,
        region=settings.objects_region,
        bucket=settings.namespace,
        folder=settings.objects_folder,
    )


@pytest.fixture
def key():
    return ObjectKey(f"test/{uuid4().hex}")


async def put(request, content: bytes, **changed: str) -> httpx.Response:
    headers = {k: v for k, v in (request.headers | changed).items() if v}
    headers.pop("Content-Length", None)  # the client's own, of what it really sends
    async with httpx.AsyncClient() as client:
        return await client.put(request.url, content=content, headers=headers)


async def promised(objects, key, *, content: bytes = BODY, expires_in: int = 60, sha256=True):
    digest = hashlib.sha256(content).hexdigest() if sha256 else None
    return await objects.presign_put(
        key, size=len(content), content_type=TYPE, sha256=digest, expires_in=expires_in
    )


@pytest.mark.parametrize("as_file", [False, True])
async def test_it_gives_back_what_it_was_given(objects, key, tmp_path, as_file):
    body: bytes | Path = BODY
    if as_file:
        body = tmp_path / "body"
        body.write_bytes(BODY)

    await objects.put(key, body, content_type=TYPE)

    assert await objects.read(key) == BODY
    found = await objects.head(key)
    assert (found.key, found.size) == (key, len(BODY))
    async with objects.stream(key) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == BODY


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (5, 6), (100, None), (699_999, 700_000)])
async def test_it_reads_a_range(objects, key, start, stop):
    await objects.put(key, BODY, content_type=TYPE)

    assert await objects.read(key, start=start, stop=stop) == BODY[start:stop]
    async with objects.stream(key, start=start, stop=stop) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == BODY[start:stop]


async def test_what_is_not_there_is_missing(objects, key):
    for reading in (objects.read, objects.head):
        with pytest.raises(ObjectMissing):
            await reading(key)
    with pytest.raises(ObjectMissing):
        await objects.copy(key, ObjectKey("elsewhere"))
    with pytest.raises(ObjectMissing):
        async with objects.stream(key):
            pass
    await objects.delete([key])


async def test_it_replaces_copies_lists_and_deletes(objects, key):
    other = ObjectKey(f"{key}/copy")
    await objects.put(key, b"old", content_type=TYPE)
    await objects.put(key, BODY, content_type=TYPE)
    await objects.copy(key, other)
    await objects.put(ObjectKey("unrelated"), b"x", content_type=TYPE)

    assert await objects.read(other) == BODY
    assert {found.key for found in [it async for it in objects.list("test/")]} == {key, other}
    await objects.delete([key, other])
    assert [it async for it in objects.list("test/")] == []


async def test_a_presigned_put_takes_exactly_what_was_promised(objects, key):
    request = await promised(objects, key)

    assert (await put(request, BODY)).status_code == 200

    assert await objects.read(key) == BODY


async def test_a_presigned_put_takes_nothing_else(objects, key):
    """Another size, type or content, a key in use, another key, a late hour: each is refused."""
    request = await promised(objects, key)
    other = BODY[:-1] + bytes([BODY[-1] ^ 1])

    assert (await put(request, BODY + b"more")).status_code == 403
    assert (await put(request, BODY[:-1])).status_code == 403
    assert (await put(request, other)).status_code >= 400
    assert (await put(request, BODY, **{"Content-Type": "text/html"})).status_code == 403
    assert (await put(request, BODY, **{"If-None-Match": ""})).status_code == 403
    elsewhere = request.url.replace(key, f"{key}2")
    async with httpx.AsyncClient() as client:
        answer = await client.put(elsewhere, content=BODY, headers=request.headers)
        assert answer.status_code == 403
        assert (await client.get(request.url)).status_code == 403
    with pytest.raises(ObjectMissing):
        await objects.head(key)

    assert (await put(request, BODY)).status_code == 200
    assert (await put(request, BODY)).status_code == 412, "once only"


async def test_a_presigned_put_expires(objects, key):
    request = await promised(objects, key, expires_in=1)
    await asyncio.sleep(2.1)

    assert (await put(request, BODY)).status_code == 403


async def test_nobody_reads_without_a_signature(objects, key, settings):
    await objects.put(key, BODY, content_type=TYPE)
    url = f"{settings.objects_url}/{settings.namespace}"

    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/{key}")).status_code == 403
        assert (await client.get(url)).status_code == 403
        assert (await client.put(f"{url}/mine", content=b"x")).status_code == 403


async def test_a_store_that_is_down_is_unavailable_and_comes_back(settings, key, monkeypatch):
    monkeypatch.setattr(s3, "PATIENCE", 0.5)
    store = connected(f"http://127.0.0.1:{free_port()}", settings)
    await store.open()
    try:
        assert not await store.reachable()
        with pytest.raises(Unavailable) as refused:
            await store.read(key)
        assert refused.value.facts == {"dependency": "objects"}
    finally:
        await store.close()


async def test_a_stream_that_breaks_is_taken_up_where_it_broke(objects, key, monkeypatch):
    """The connection dies after each 100 kB; the reader gets every byte once."""
    await objects.put(key, BODY, content_type=TYPE)
    monkeypatch.setattr(s3, "CHUNK", 100_000)
    get, asked = objects._get, []

    class Breaking:
        def __init__(self, body):
            self.body, self.reads = body, 0

        async def __aenter__(self):
            await self.body.__aenter__()
            return self

        async def __aexit__(self, *error):
            await self.body.__aexit__(*error)

        async def read(self, size):
            self.reads += 1
            if self.reads > 1:
                raise ConnectionError("cut")
            return await self.body.read(size)

    async def breaking(key, start, stop):
        asked.append(start)
        answer = await get(key, start, stop)
        return answer | {"Body": Breaking(answer["Body"])}

    monkeypatch.setattr(objects, "_get", breaking)
    async with objects.stream(key) as chunks:
        received = b"".join([chunk async for chunk in chunks])

    assert received == BODY
    assert len(asked) > 3


async def test_the_barrier_answers_many_with_few_flushes(tmp_path, monkeypatch):
    flushes: list[float] = []

    def slow(folder: str) -> None:
        flushes.append(time.monotonic())
        time.sleep(0.05)

    monkeypatch.setattr(s3, "_syncfs", slow)
    barrier = Barrier(str(tmp_path))

    async def settled() -> tuple[float, float]:
        asked = time.monotonic()
        await barrier.settle()
        return asked, time.monotonic()

    spans = []
    for _ in range(4):
        spans += await asyncio.gather(*(settled() for _ in range(25)))

    assert len(flushes) <= 8
    assert all(any(asked <= at <= done for at in flushes) for asked, done in spans), (
        "each caller waited for a flush that began after it asked"
    )


async def test_a_barrier_that_fails_says_so(tmp_path):
    with pytest.raises(OSError, match="gone"):
        await Barrier(str(tmp_path / "gone")).settle()


async def test_a_cancelled_caller_does_not_break_the_barrier_for_others(tmp_path):
    barrier = Barrier(str(tmp_path))
    first = asyncio.create_task(barrier.settle())
    await asyncio.sleep(0)
    second = asyncio.create_task(barrier.settle())
    first.cancel()

    await second
    await barrier.settle()
