"""`darkroom up`: everything on this machine, from one process."""

import asyncio
import os
import shutil
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from adapters.data_folder import DataFolder, FolderBusy
from adapters.embedded import servers
from adapters.supervisor import Child, Supervisor
from cli.options import data_option, fail, signalled

ROLES = ("api", "relay", "project", "react")


@click.command()
@click.option("--port", default=8080, show_default=True, help="Where the API listens.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address it listens on.")
@data_option
def up(port: int, host: str, data: Path) -> None:
    """Run the servers and all roles; stop with Ctrl-C.

    Starts Postgres, NATS and SeaweedFS below the data folder, then the API, the relay, the
    projectors and the reactors, and starts again whatever dies. A second `up` finds all data.
    """
    folder = DataFolder(data)
    try:
        folder.lock()
    except FolderBusy as busy:
        fail(f"A Darkroom is already running on {busy}. Stop it, or choose another --data.")
    if not _bindable(host, port):
        fail(f"Port {port} is in use. Stop what listens there, or choose another --port.")
    sys.exit(asyncio.run(_up(folder, host, port)))


async def _up(folder: DataFolder, host: str, port: int) -> int:
    stopped = signalled()
    supervisor = Supervisor(folder.path / "logs")
    try:
        running = asyncio.create_task(_start(supervisor, folder, host, port))
        done, _ = await asyncio.wait(
            [running, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        if running in done:
            print(f"Darkroom is ready at {running.result()}", flush=True)
            await stopped.wait()
        running.cancel()
    except TimeoutError:
        click.echo(f"Darkroom did not get ready; see {folder.path / 'logs'}", err=True)
        return 1
    finally:
        await supervisor.stop()
    return 0


async def _start(supervisor: Supervisor, folder: DataFolder, host: str, port: int) -> str:
    """Bring everything up, in order. Returns the URL it is ready at."""
    url = os.environ.get("DARKROOM_PUBLIC_URL", f"http://{_reachable(host)}:{port}")
    embedded = await asyncio.to_thread(servers, folder)
    metrics = folder.path / "metrics"
    for left in metrics.glob("*.db"):
        left.unlink()
    await asyncio.to_thread(_emptied, folder.path / "spool")
    environment = {
        **embedded.environment,
        "DARKROOM_HOST": host,
        "DARKROOM_PORT": str(port),
        "DARKROOM_PUBLIC_URL": url,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    } | {name: value for name, value in os.environ.items() if name.startswith("DARKROOM_")}
    environment["DARKROOM_METRICS_PORT"] = "0"  # the API's page shows those of all roles here
    folder.publish(environment)
    given = {child.name for child, name in _given(embedded.children) if name in os.environ}
    await supervisor.start([child for child in embedded.children if child.name not in given])
    await _prepare(environment)
    await supervisor.start([_role(role, environment) for role in ROLES])
    ready = f"{url}/health/ready"
    while not await asyncio.to_thread(_answers, ready):  # noqa: ASYNC110 - another process decides
        await asyncio.sleep(0.05)
    return url


def _emptied(spool: Path) -> None:
    """Of files that a killed process was at work on."""
    shutil.rmtree(spool)
    spool.mkdir()


def _given(children: Any) -> list[tuple[Child, str]]:
    """Each embedded server with the variable that names another one instead."""
    names = ("DARKROOM_DATABASE_URL", "DARKROOM_NATS_URL", "DARKROOM_OBJECTS_URL")
    return list(zip(children, names, strict=True))


def _role(role: str, environment: dict[str, str]) -> Child:
    return Child(
        name=role,
        command=[sys.executable, "-m", "cli", role],
        environment=environment,
        patience=3.0,
    )


async def _prepare(environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "prepare"), env=os.environ | environment
    )
    if await process.wait():
        raise TimeoutError("prepare failed")


def _bindable(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104 - compared, not bound


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
