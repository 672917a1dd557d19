"""The MultipartStore port over S3."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from adapters.s3 import S3Objects, error_code
from commands.multipart import Unfinished
from commands.ports import ObjectKey, ObjectMissing, SignedRequest
from domain.progress import Piece


class S3Multipart(S3Objects):
    async def begin(self, key: ObjectKey, *, content_type: str) -> str:
        begun = await self._patiently(
            lambda: self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type
            )
        )
        return str(begun["UploadId"])

    async def presign_part(
        self, key: ObjectKey, multipart_id: str, number: int, *, size: int, expires_in: int
    ) -> SignedRequest:
        url = await self._presigner.generate_presigned_url(
            "upload_part",
            Params={**self._part(key, multipart_id, number), "ContentLength": size},
            ExpiresIn=expires_in,
        )
        headers = {"Content-Length": str(size)}
        return SignedRequest(url=url, method="PUT", headers=headers, expires_in=expires_in)

    async def put_part(self, key: ObjectKey, multipart_id: str, number: int, body: Path) -> Piece:
        async def attempt() -> Piece:
            with body.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                stored = await self._client.upload_part(
                    **self._part(key, multipart_id, number), Body=file, ContentLength=size
                )
            return Piece(number=number, size=size, etag=stored["ETag"])

        return await self._patiently(attempt)

    def _part(self, key: ObjectKey, multipart_id: str, number: int) -> dict[str, object]:
        return {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": multipart_id,
            "PartNumber": number,
        }

    async def parts(self, key: ObjectKey, multipart_id: str) -> Sequence[Piece]:
        pages = self._client.get_paginator("list_parts").paginate(
            Bucket=self._bucket, Key=key, UploadId=multipart_id
        )

        async def attempt() -> list[Any]:
            return [part async for page in pages for part in page.get("Parts", ())]

        found = await self._patiently(attempt)
        found.sort(key=lambda part: part["LastModified"])
        latest = {  # SeaweedFS lists each of a part's versions
            part["PartNumber"]: Piece(
                number=part["PartNumber"], size=part["Size"], etag=part["ETag"]
            )
            for part in found
        }
        return [latest[number] for number in sorted(latest)]

    async def complete(self, key: ObjectKey, multipart_id: str, parts: Sequence[Piece]) -> None:
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        try:
            await self._patiently(
                lambda: self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=multipart_id,
                    MultipartUpload={"Parts": listed},
                )
            )
        except ClientError as error:
            if error_code(error) == "InvalidPart":
                raise ObjectMissing from error
            raise

    async def abort(self, key: ObjectKey, multipart_id: str) -> None:
        with suppress(ObjectMissing):
            await self._patiently(
                lambda: self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=multipart_id
                )
            )

    async def unfinished(self, prefix: str) -> AsyncIterator[Unfinished]:
        pages = self._client.get_paginator("list_multipart_uploads")
        async for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Uploads", ()):
                yield Unfinished(
                    key=found["Key"], multipart_id=found["UploadId"], modified=found["Initiated"]
                )

    async def erase(self, prefix: str) -> int:
        count = 0
        async for begun in self.unfinished(prefix):
            await self.abort(begun.key, begun.multipart_id)
            count += 1
        keys = [found.key async for found in self.list(prefix)]
        if keys:
            await self.delete(keys)
        return count + len(keys) + await self._erase_versions(prefix)

    async def _erase_versions(self, prefix: str) -> int:
        """Where the bucket keeps them, or once kept them."""
        kept = await self._patiently(
            lambda: self._client.get_bucket_versioning(Bucket=self._bucket)
        )
        if not kept.get("Status"):
            return 0
        count = 0
        pages = self._client.get_paginator("list_object_versions")
        async for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            kept = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            named = [{"Key": it["Key"], "VersionId": it["VersionId"]} for it in kept]
            if named:
                batch = {"Objects": named, "Quiet": True}
                await self._client.delete_objects(Bucket=self._bucket, Delete=batch)
            count += len(named)
        return count
