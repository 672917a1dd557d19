"""The contract of the MultipartStore port, on the real store."""

import asyncio
import hashlib
import os

import httpx
import pytest
from botocore.exceptions import ClientError

from adapters.s3_multipart import S3Multipart
from commands.multipart import MIN_PART
from commands.ports import ObjectKey, ObjectMissing
from tests.adapters.test_s3 import TYPE, key  # noqa: F401 - a fixture

FIRST, LAST = os.urandom(MIN_PART), os.urandom(1000)


@pytest.fixture
async def objects(settings):
    store = S3Multipart(
        url=settings.objects_url,
        public_url="",
        access_key=settings.objects_access_key,
        secret_key=settings.objects_secret_key,
        region=settings.objects_region,
        bucket=settings.namespace,
        folder=settings.objects_folder,
    )
    await store.open()
    await store.ensure_bucket()
    yield store
    await store.close()


@pytest.fixture
def put(objects, key, tmp_path):  # noqa: F811
    async def put(id: str, number: int, content: bytes):
        file = tmp_path / f"{number}"
        file.write_bytes(content)
        return await objects.put_part(key, id, number, file)

    return put


async def sent(request, content: bytes, **changed: str) -> httpx.Response:
    url = request.url
    for old, new in changed.items():
        url = url.replace(old, new)
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.put(url, content=content)


async def test_parts_make_an_object(objects, key, put):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    first, last = await put(id, 1, FIRST), await put(id, 2, LAST)

    with pytest.raises(ObjectMissing):
        await objects.head(key)
    await objects.complete(key, id, [first, last])

    assert await objects.read(key) == FIRST + LAST
    assert first.etag.strip('"') == hashlib.md5(FIRST).hexdigest()  # noqa: S324 - S3's choice


async def test_it_lists_what_has_arrived(objects, key, put):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    assert await objects.parts(key, id) == []

    last, first = await put(id, 7, LAST), await put(id, 2, FIRST)

    assert await objects.parts(key, id) == [first, last]
    assert (first.number, first.size, last.size) == (2, len(FIRST), len(LAST))


async def test_a_part_sent_again_replaces_the_first(objects, key, put):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    await put(id, 1, bytes(MIN_PART))
    await asyncio.sleep(1.1)  # the store dates parts to the second
    again, last = await put(id, 1, FIRST), await put(id, 2, LAST)

    assert await objects.parts(key, id) == [again, last]
    await objects.complete(key, id, [again, last])
    assert await objects.read(key) == FIRST + LAST


async def test_parts_that_are_not_named_are_dropped(objects, key, put):  # noqa: F811
    """So a number that was given to a writer who then lost its turn does no harm."""
    id = await objects.begin(key, content_type=TYPE)
    first, _, last = await put(id, 1, FIRST), await put(id, 2, FIRST), await put(id, 5, LAST)

    await objects.complete(key, id, [first, last])

    assert await objects.read(key) == FIRST + LAST


async def test_only_the_last_part_may_be_small(objects, key, put):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    small, last = await put(id, 1, FIRST[:-1]), await put(id, 2, LAST)

    with pytest.raises(ClientError, match="EntityTooSmall"):
        await objects.complete(key, id, [small, last])

    await objects.complete(key, id, [last])
    assert await objects.read(key) == LAST


async def test_completing_twice_is_no_error(objects, key, put):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    parts = [await put(id, 1, LAST)]

    await objects.complete(key, id, parts)
    await objects.complete(key, id, parts)

    assert await objects.read(key) == LAST


async def test_what_is_not_there_is_missing(objects, key, put):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    part = await put(id, 1, LAST)
    other = await put(id, 1, FIRST)

    for parts in ([other, part.__class__(number=2, size=1, etag=part.etag)], [_changed(part)]):
        with pytest.raises(ObjectMissing):
            await objects.complete(key, id, parts)
    await objects.abort(key, id)
    await objects.abort(key, id)
    for asking in (
        objects.parts(key, id),
        put(id, 1, LAST),
        objects.complete(key, id, [part]),
    ):
        with pytest.raises(ObjectMissing):
            await asking


def _changed(part):
    return part.__class__(number=part.number, size=part.size, etag=f'"{"0" * 32}"')


async def test_what_is_complete_survives_a_late_abort(objects, key, put):  # noqa: F811
    """In good weather: after a kill it may not (SeaweedFS 11382), so we never abort then."""
    id = await objects.begin(key, content_type=TYPE)
    await objects.complete(key, id, [await put(id, 1, LAST)])
    copy = ObjectKey(f"{key}/copy")
    await objects.copy(key, copy)

    await objects.abort(key, id)

    assert await objects.read(key) == LAST
    await objects.delete([key])
    assert await objects.read(copy) == LAST, "a copy has bytes of its own"


async def test_it_lists_what_is_unfinished(objects, key, put):  # noqa: F811
    other = ObjectKey(f"{key}-other")
    first, second = (
        await objects.begin(key, content_type=TYPE),
        await objects.begin(key, content_type=TYPE),
    )
    third = await objects.begin(other, content_type=TYPE)
    done = await objects.begin(key, content_type=TYPE)
    await objects.complete(key, done, [await put(done, 1, LAST)])

    async def found(prefix):
        return {(it.key, it.multipart_id) async for it in objects.unfinished(prefix)}

    assert await found("test/") == {(key, first), (key, second), (other, third)}
    assert await found(other) == {(other, third)}
    assert await found("elsewhere/") == set()
    await objects.abort(key, first)
    assert await found(key) == {(key, second), (other, third)}


async def test_a_presigned_part_takes_exactly_its_size(objects, key):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    request = await objects.presign_part(key, id, 1, size=len(LAST), expires_in=60)

    assert (await sent(request, LAST[:-1])).status_code == 403
    assert (await sent(request, LAST + b"x")).status_code == 403
    assert (await sent(request, LAST, **{"partNumber=1": "partNumber=2"})).status_code == 403
    assert (await sent(request, LAST, **{key: f"{key}2"})).status_code == 403
    assert await objects.parts(key, id) == []

    assert (await sent(request, LAST)).status_code == 200
    (part,) = await objects.parts(key, id)
    await objects.complete(key, id, [part])
    assert await objects.read(key) == LAST
    assert (await sent(request, LAST)).status_code == 404, "complete is complete"


async def test_a_presigned_part_expires(objects, key):  # noqa: F811
    id = await objects.begin(key, content_type=TYPE)
    request = await objects.presign_part(key, id, 1, size=len(LAST), expires_in=1)
    await asyncio.sleep(2.1)

    assert (await sent(request, LAST)).status_code == 403


async def test_erasing_takes_every_version_and_every_upload_under_way(objects, key, put):  # noqa: F811
    versioned = {"Status": "Enabled"}
    await objects.put(key, b"before there were versions", content_type=TYPE)
    await objects._client.put_bucket_versioning(
        Bucket=objects._bucket, VersioningConfiguration=versioned
    )
    await objects.put(key, b"one", content_type=TYPE)
    await objects.put(key, b"two", content_type=TYPE)
    await objects.delete([key])
    other = ObjectKey(f"other-{key}")
    await objects.put(other, b"kept", content_type=TYPE)
    await put(await objects.begin(key, content_type=TYPE), 1, FIRST)

    assert await objects.erase(key) >= 4

    assert await objects.erase(key) == 0
    kept = await objects._client.list_object_versions(Bucket=objects._bucket)
    assert {it["Key"] for it in kept["Versions"]} == {other}
    assert [it async for it in objects.unfinished(key)] == []
