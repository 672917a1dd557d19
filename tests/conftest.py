"""One running Darkroom for each test process; adapters get databases of their own on it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from adapters.data_folder import DataFolder
from bootstrap import upkeep
from settings import Settings, load
from tests.elsewhere import ELSEWHERE
from tests.people import Person
from tests.provider import CLIENT, SECRET
from tests.receiver import Receiver
from tests.service import Service, free_port

ADMINISTRATOR = "admin@example.org"

DEAREST = ("system", "api", "adapters")
"""Folders of tests, whose modules are begun first, so that none is left to one process alone."""

hypothesis_settings.register_profile("darkroom", deadline=None)  # no test is a timed test
hypothesis_settings.load_profile("darkroom")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of a module go to one process, which makes what they share, once."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    folders = [*DEAREST, *sorted({item.path.parent.name for item in items} - {*DEAREST})]
    items.sort(key=lambda item: folders.index(item.path.parent.name))


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """An OpenID Connect provider: its issuer."""
    port = free_port()
    command = [sys.executable, "-m", "tests.provider", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
        process.kill()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("darkroom") / "data"
    running = Service(
        data,
        DARKROOM_IMPORT_ALLOW=f"{ELSEWHERE}/32",
        DARKROOM_WEBHOOK_ALLOW=f"{ELSEWHERE}/32",
        DARKROOM_ADMIN_EMAIL=ADMINISTRATOR,
        DARKROOM_OIDC=json.dumps(
            {
                "acme": {"issuer": provider, "clientId": CLIENT, "clientSecret": SECRET},
                "down": {"issuer": "http://127.0.0.1:1", "clientId": CLIENT},
            }
        ),
        DARKROOM_RATE_LIMITS="on",
        DARKROOM_PLANS='{"free": {"requestsPerMinute": 1000000}, "tiny": {"fileBytes": 76}}',
        DARKROOM_REQUESTS_ANONYMOUS="1000000",
        DARKROOM_REPORTS_PER_HOUR="1000000",
        DARKROOM_REQUESTS_SIGNING_IN="1000000",
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def administrator(service: Service) -> Person:
    return Person(service, "admin", ADMINISTRATOR)


@pytest.fixture(scope="module")
def admin(administrator: Person) -> Person:
    """Whose token is good for this module: the session outlives one."""
    administrator.sign_in()
    return administrator


@pytest.fixture(scope="module")
def ann(service: Service) -> Person:
    return Person(service, "ann")


@pytest.fixture(scope="module")
def ben(service: Service) -> Person:
    return Person(service, "ben")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where webhooks lead."""
    receiver = Receiver()
    yield receiver
    receiver.down()


@pytest.fixture(scope="session")
def prepared(service: Service, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with all its tables, to be copied."""
    made = installation(service, tmp_path_factory.mktemp("prepared"), like="template1")
    asyncio.run(upkeep.prepare(made))
    return made.namespace


@pytest.fixture
def settings(service: Service, prepared: str, tmp_path: Path) -> Iterator[Settings]:
    made = installation(service, tmp_path, like=prepared)
    yield made
    url = load(DataFolder(service.data).endpoints()).database_url
    with psycopg.connect(url, autocommit=True) as connection:  # else its pages go to disk
        connection.execute(f"drop database {made.namespace} with (force)".encode())


def installation(service: Service, spool: Path, *, like: str) -> Settings:
    """One of its own: another database, bucket and stream on the running servers."""
    name = f"t{uuid4().hex[:12]}"
    shared = load(DataFolder(service.data).endpoints())
    with psycopg.connect(shared.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {like}".encode())
    url = shared.database_url.replace("dbname=darkroom", f"dbname={name}")
    return msgspec.structs.replace(
        shared, database_url=url, namespace=name, spool=str(spool), lab_workers=1
    )
