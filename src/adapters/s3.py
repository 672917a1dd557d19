"""The ObjectStore port over S3; beside it the durability barrier of a store on this machine."""

import asyncio
import base64
import ctypes
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from adapters import metrics
from commands.ports import ObjectKey, ObjectMissing, SignedRequest, StoredObject
from domain.refusals import Unavailable

T = TypeVar("T")

CHUNK = 64 * 1024
CONNECTIONS = 256
"""To the store from one process."""
PATIENCE = 12.0
"""Seconds of retries: a restarted SeaweedFS answers 500 for a while, for keys that exist too."""

_MISSING = {"NoSuchKey", "NoSuchUpload", "404", "NotFound"}
_PASSING = (BotoCoreError, aiohttp.ClientError, asyncio.TimeoutError, ConnectionError)


class S3Objects:
    """One client for a process. Use as an async context manager, or open() and close()."""

    def __init__(
        self,
        *,
        url: str,
        public_url: str,
        access_key: str,
        secret_key: str,
        region: str,
        bucket: str,
        folder: str = "",
    ) -> None:
        self._urls = {"inside": url, "outside": public_url or url}
        self._credentials = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key}
        self._region = region
        self._bucket = bucket
        self._barrier = Barrier(folder) if folder else None
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._presigner: Any = None

    async def open(self) -> None:
        self._client = await self._stack.enter_async_context(self._connected("inside"))
        _timed(self._client)
        self._presigner = await self._stack.enter_async_context(self._connected("outside"))

    async def close(self) -> None:
        await self._stack.aclose()

    def _connected(self, side: str) -> Any:
        config = AioConfig(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=2,
            read_timeout=20,
            retries={"max_attempts": 0},
            max_pool_connections=CONNECTIONS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return _session().create_client(
            "s3",
            endpoint_url=self._urls[side],
            region_name=self._region,
            config=config,
            **self._credentials,
        )

    async def ensure_bucket(self) -> None:
        try:
            await self._patiently(lambda: self._client.create_bucket(Bucket=self._bucket))
        except ClientError as error:
            if error_code(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    async def reachable(self) -> bool:
        """Whether the store answers at all, without patience."""
        try:
            await self._client.head_bucket(Bucket=self._bucket)
        except (ClientError, *_PASSING):
            return False
        return True

    async def presign_put(
        self, key: ObjectKey, *, size: int, content_type: str, sha256: str | None, expires_in: int
    ) -> SignedRequest:
        signed = {
            "ContentLength": size,
            "ContentType": content_type,
            "IfNoneMatch": "*",
        }
        headers = {
            "Content-Length": str(size),
            "Content-Type": content_type,
            "If-None-Match": "*",
        }
        if sha256:
            checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
            signed["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = checksum
        url = await self._presigner.generate_presigned_url(
            "put_object",
            Params={"Bucket": self._bucket, "Key": key, **signed},
            ExpiresIn=expires_in,
        )
        return SignedRequest(url=url, method="PUT", headers=headers, expires_in=expires_in)

    async def put(self, key: ObjectKey, body: bytes | Path, *, content_type: str) -> None:
        async def attempt() -> None:
            if isinstance(body, bytes):
                await self._put(key, body, len(body), content_type)
                return
            with body.open("rb") as file:
                await self._put(key, file, os.fstat(file.fileno()).st_size, content_type)

        await self._patiently(attempt)

    async def _put(self, key: ObjectKey, body: Any, size: int, content_type: str) -> None:
        await self._client.put_object(
            Bucket=self._bucket, Key=key, Body=body, ContentLength=size, ContentType=content_type
        )

    async def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        origin = {"Bucket": self._bucket, "Key": source}
        await self._patiently(
            lambda: self._client.copy_object(Bucket=self._bucket, Key=target, CopySource=origin)
        )

    async def head(self, key: ObjectKey) -> StoredObject:
        found = await self._patiently(
            lambda: self._client.head_object(Bucket=self._bucket, Key=key)
        )
        return StoredObject(key=key, size=found["ContentLength"], modified=found["LastModified"])

    async def read(self, key: ObjectKey, *, start: int = 0, stop: int | None = None) -> bytes:
        async def attempt() -> bytes:
            answer = await self._get(key, start, stop)
            async with answer["Body"] as body:
                return bytes(await body.read())

        return await self._patiently(attempt)

    @asynccontextmanager
    async def stream(
        self, key: ObjectKey, *, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        first = await self._patiently(lambda: self._get(key, start, stop))
        chunks = self._chunks(first, key, start, stop)
        try:
            yield chunks
        finally:
            await chunks.aclose()

    async def _chunks(self, answer: Any, key: ObjectKey, start: int, stop: int | None) -> Any:
        """What the answer holds; a connection that breaks midway is taken up where it broke."""
        end = start + int(answer["ContentLength"])
        while True:
            try:
                async with answer["Body"] as body:
                    while chunk := await body.read(CHUNK):
                        start += len(chunk)
                        yield chunk
            except _PASSING:
                pass
            if start >= end:
                return
            offset = start
            answer = await self._patiently(lambda: self._get(key, offset, stop))  # noqa: B023 - awaited here

    async def _get(self, key: ObjectKey, start: int, stop: int | None) -> Any:
        asked = {"Bucket": self._bucket, "Key": key}
        if start or stop is not None:
            asked["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        return await self._client.get_object(**asked)

    async def delete(self, keys: Sequence[ObjectKey]) -> None:
        for begin in range(0, len(keys), 1000):
            batch = {"Objects": [{"Key": key} for key in keys[begin : begin + 1000]], "Quiet": True}
            await self._patiently(
                lambda: self._client.delete_objects(Bucket=self._bucket, Delete=batch)  # noqa: B023 - awaited here
            )

    async def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        asked = {"Bucket": self._bucket, "Prefix": prefix}
        while True:
            page = await self._patiently(lambda: self._client.list_objects_v2(**asked))
            for found in page.get("Contents", ()):
                yield StoredObject(
                    key=found["Key"], size=found["Size"], modified=found["LastModified"]
                )
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    async def settle(self) -> None:
        if self._barrier:
            await self._barrier.settle()

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Retry while the store is restarting. Raises ObjectMissing, Unavailable or ClientError."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + PATIENCE, 0.05
        while True:
            try:
                return await attempt()
            except ClientError as error:
                if error_code(error) in _MISSING:
                    raise ObjectMissing from error
                if _status(error) < 500:
                    raise
                last: Exception = error
            except _PASSING as error:
                last = error
            if loop.time() + pause > deadline:
                raise Unavailable(dependency="objects") from last
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)


@cache
def _session() -> Any:
    """One for a process: the service's description takes 0.4 s to load, and is kept in it."""
    return get_session()


def _timed(client: Any) -> None:
    """Every request of it, in the metrics."""

    def begun(context: dict[str, Any], **_: Any) -> None:
        context["begun"] = time.perf_counter()

    def ended(context: dict[str, Any], model: Any, **_: Any) -> None:
        seconds = time.perf_counter() - context["begun"]
        metrics.OBJECTS_SECONDS.labels(model.name).observe(seconds)

    client.meta.events.register("before-call.s3", begun)
    client.meta.events.register("after-call.s3", ended)


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))


class Barrier:
    """syncfs(2) on the store's filesystem, grouped: one flush answers all who asked before it.

    SeaweedFS acknowledges before its bytes are on disk; measured, a power cut takes all that it
    acknowledged in the last seconds. After this barrier it takes nothing.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        """Return after a flush that began after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        await asyncio.shield(self._next)

    async def _after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        await asyncio.to_thread(_syncfs, self._folder)


def _syncfs(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs failed", folder)
    finally:
        os.close(descriptor)
