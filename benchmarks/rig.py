"""What every benchmark works with: a running Darkroom, a folder, pictures to upload."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import botocore.session
import msgspec
import psycopg
import pyvips

from adapters.data_folder import DataFolder
from bootstrap import Core
from bootstrap.upkeep import prepare
from settings import Settings, load
from tests.service import Service

Run = Callable[[Coroutine[Any, Any, Any]], Any]

BYTES_A_PIXEL = 1.42
"""Of a JPEG of noise at quality 90."""


class Rig:
    """The service is started when somebody first asks for it."""

    def __init__(self, folder: Path, step: Callable[[str], None]) -> None:
        self.folder = folder
        self.step = step

    def new_service(self, name: str, **environment: str) -> Service:
        """Not started; on a data folder of its own, with nothing that slows clients down."""
        free = {"DARKROOM_RATE_LIMITS": "off", "DARKROOM_QUOTA_BYTES": str(1024**4)}
        return Service(self.folder / name, **free | environment)

    @cached_property
    def service(self) -> Service:
        self.step("starting Darkroom")
        service = self.new_service("data")
        service.start()
        return service

    @property
    def settings(self) -> Settings:
        """How to reach the running service's servers."""
        return load(DataFolder(self.service.data).endpoints())

    def new_settings(self) -> Settings:
        """An installation of its own on the same servers: nobody else writes to it."""
        name = f"b{uuid4().hex[:12]}"
        shared = self.settings
        with psycopg.connect(shared.database_url, autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        url = shared.database_url.replace("dbname=darkroom", f"dbname={name}")
        settings = msgspec.structs.replace(shared, database_url=url, namespace=name)
        asyncio.run(prepare(settings))
        return settings

    @contextmanager
    def core(self, settings: Settings) -> Iterator[tuple[Core, Run]]:
        """An open core, and what runs coroutines on the loop that it is open in."""
        with asyncio.Runner() as runner:
            core, stack = Core(settings), AsyncExitStack()
            runner.run(stack.enter_async_context(core.opened()))
            try:
                yield core, runner.run
            finally:
                runner.run(stack.aclose())

    def noise(self, megabytes: float) -> Path:
        """A JPEG of about that size with the most bytes a pixel that a camera could make."""
        file = self.folder / f"noise-{megabytes:g}.jpg"
        if not file.exists():
            side = round(math.sqrt(megabytes * 1e6 / BYTES_A_PIXEL))
            grain = partial(pyvips.Image.gaussnoise, side, side, mean=128, sigma=40)
            _save([grain(seed=seed) for seed in range(3)], file)
        return file

    def photo(self) -> Path:
        """A JPEG of 12 MP: soft shapes and some grain, compressible as photos are."""
        file = self.folder / "photo.jpg"
        if not file.exists():
            _save([_soft(4000, 3000, seed) for seed in range(3)], file)
        return file

    def large_photo(self) -> Path:
        """The same with 48 MP, as the largest telephones make them."""
        file = self.folder / "large.jpg"
        if not file.exists():
            twice = pyvips.Image.new_from_file(str(self.photo())).resize(2)
            twice.jpegsave(str(file), Q=90)
        return file

    def close(self) -> None:
        if "service" in self.__dict__:
            self.service.stop()


def _soft(width: int, height: int, seed: int) -> Any:
    band = pyvips.Image.gaussnoise(width, height, mean=128, sigma=3, seed=seed)
    for cell, depth in ((512, 60), (128, 30), (32, 14), (8, 6)):
        band += pyvips.Image.perlin(width, height, cell_size=cell, seed=seed) * depth
    return band


def _save(bands: list[Any], file: Path) -> None:
    picture = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")
    picture.jpegsave(str(file), Q=90)


class Bucket:
    """The object store itself, without Darkroom: presigned URLs and copies."""

    def __init__(self, settings: Settings) -> None:
        self._name = settings.namespace
        self._client = botocore.session.get_session().create_client(
            "s3",
            endpoint_url=settings.objects_url,
            region_name=settings.objects_region,
            aws_access_key_id=settings.objects_access_key,
            aws_secret_access_key=settings.objects_secret_key,
        )

    def url(self, method: str, key: str) -> str:
        """`method` is put_object or get_object."""
        where = {"Bucket": self._name, "Key": key}
        return str(self._client.generate_presigned_url(method, Params=where, ExpiresIn=3600))

    def copy(self, source: str, target: str) -> None:
        origin = {"Bucket": self._name, "Key": source}
        self._client.copy_object(Bucket=self._name, Key=target, CopySource=origin)
