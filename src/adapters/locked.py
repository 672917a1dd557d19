"""A bucket with object lock: what is put there nobody can change or delete until its time."""

import base64
import hashlib
from datetime import datetime

from adapters.s3 import S3Objects
from commands.ports import ObjectKey


class LockedBucket(S3Objects):
    """The bucket must have been made with object lock; that cannot be had afterwards."""

    async def keep(self, key: ObjectKey, body: bytes, *, until: datetime) -> None:
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        await self._patiently(
            lambda: self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                ContentMD5=digest,  # S3 asks for it
                ObjectLockMode="COMPLIANCE",
                ObjectLockRetainUntilDate=until,
            )
        )
