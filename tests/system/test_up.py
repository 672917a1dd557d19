"""`darkroom up`: one command, and nothing left of it afterwards."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from projections.projection import ALL
from tests.people import Person, expect, sample
from tests.service import DARKROOM, Service

pytestmark = pytest.mark.xdist_group("up")


def test_it_starts_stops_and_finds_everything_again(tmp_path):
    service = Service(tmp_path / "data")
    first = service.start()
    person = Person(service, "again")
    image = person.upload(sample("valid/sharp__2x2_fdcce6.png"), title="still here")
    stopped = service.stop(signal.SIGTERM)

    second = service.start()

    with service.client(person.tokens["accessToken"]) as http:
        found = expect(http.get(f"/v1/images/{image['imageId']}"), 200)
        assert http.get(image["url"]).status_code == 200
    used = json.loads((service.data / "ports.json").read_text()).values()
    assert _sockets(used)
    interrupted = service.stop(signal.SIGINT)
    assert not _sockets(used)
    print(
        f"\nready {first:.1f} s, again {second:.1f} s; stopped {stopped:.1f}, {interrupted:.1f} s"
    )
    assert found["title"] == "still here"
    assert stopped < 10
    assert interrupted < 10
    assert second < 30  # the target is 15 s, on a machine that does nothing else


def _sockets(ports):
    """SeaweedFS's, in the folder that all users of a machine share."""
    return [it for port in ports for it in Path("/tmp").glob(f"seaweedfs-*-{port}.sock")]  # noqa: S108


def test_two_data_folders_share_nothing(service, ann, tmp_path):
    other = Service(tmp_path / "other")
    other.start()
    try:
        with other.client(ann.tokens["accessToken"]) as http:
            assert http.get("/v1/me").status_code == 401
        assert other.url != service.url
    finally:
        other.stop()


def test_it_runs_below_folders_that_only_their_owner_may_enter(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    service = Service(closed / ("long" * 25) / "data")  # too long for a Unix socket, too

    service.start()

    assert service.run("status").returncode == 0
    assert closed.stat().st_mode & 0o777 == 0o700
    service.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="is an ordinary user already")
def test_an_ordinary_user_runs_it_too():
    """As `nobody`, who may read the interpreter wherever root keeps it, and nothing else."""
    folder = tempfile.mkdtemp()  # pytest's own folders are root's alone
    os.chown(folder, 65534, 65534)
    service = Service(Path(folder) / "data")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--"]

    service.start(prefix=[*nobody, *reading])

    assert all(process.uids().real == 65534 for process in service.family())
    assert service.stop() < 10
    shutil.rmtree(folder)


def test_a_folder_has_one_master_and_a_port_one_listener(service, tmp_path):
    again = service.run("up", "--port", "0")
    assert again.returncode == 1
    assert "already running" in again.stderr

    port = service.url.rpartition(":")[2]
    busy = subprocess.run(
        [DARKROOM, "up", "--data", str(tmp_path / "d"), "--port", port],
        capture_output=True,
        text=True,
        check=False,
    )
    assert busy.returncode == 1
    assert f"Port {port} is in use" in busy.stderr


def test_status_tells_of_each_server_and_read_model(service, ann):
    ann.upload(sample("valid/sharp__2x2_fdcce6.png"))

    found = json.loads(service.run("status", "--json").stdout)

    assert found["ready"] is True
    assert {"database", "nats", "objects", "search"} <= set(found["services"])
    assert found["services"]["search"] == {"state": "up", "name": "postgres", "url": None}
    assert found["head"] > 0
    names = {projection.name for projection in ALL}
    assert {model["name"] for model in found["projections"]} == names
    assert all({"position", "lag", "generation", "parked"} <= set(m) for m in found["projections"])
    assert "gallery" in service.run("status").stdout


def test_rebuild_reports_events_and_refuses_unknown_names(service):
    done = service.run("rebuild", "gallery", "search")
    assert done.returncode == 0, done.stderr
    assert "events/s" in done.stdout
    assert service.run("rebuild", "nonsense").returncode == 2
    assert service.run("rebuild").returncode == 2


@pytest.mark.parametrize(
    "command",
    ["", "up", "api", "prepare", "status", "rebuild", "project", "storage check", "upload"],
)
def test_every_command_teaches(command):
    asked = [DARKROOM, *command.split(), "--help"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert answer.returncode == 0
    assert len(answer.stdout) > 150
