"""Objects as files, for whatever works on files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from commands.ports import ObjectKey, ObjectStore


@asynccontextmanager
async def downloaded(objects: ObjectStore, key: ObjectKey, spool: Path) -> AsyncIterator[Path]:
    """The object as a file, for as long as the context lasts. Raises ObjectMissing."""
    with NamedTemporaryFile(dir=spool) as file:
        async with objects.stream(key) as chunks:
            async for chunk in chunks:
                file.write(chunk)
        file.flush()
        yield Path(file.name)
