"""The command line: run Darkroom, look at it, rebuild it."""

import asyncio
import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters.embedded import DataFolder, FolderBusy, servers
from adapters.supervisor import Child, Supervisor
from settings import Settings, load

ROLES = ("api", "relay", "project", "react")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    default=Path(".darkroom"),
    show_default=True,
    help="Data folder of the embedded servers. Ignored where DARKROOM_DATABASE_URL is set.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print for machines.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Darkroom: an event-sourced image host.

    `darkroom up` runs everything on this machine. On several machines run `darkroom prepare` once,
    then any number of `api`, `relay`, `project` and `react`, with DARKROOM_* in the environment.
    """


@main.command()
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
        _fail(f"A Darkroom is already running on {busy}. Stop it, or choose another --data.")
    if not _bindable(host, port):
        _fail(f"Port {port} is in use. Stop what listens there, or choose another --port.")
    sys.exit(asyncio.run(_up(folder, host, port)))


async def _up(folder: DataFolder, host: str, port: int) -> int:
    stopped = _signalled()
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
    environment = {
        **embedded.environment,
        "DARKROOM_HOST": host,
        "DARKROOM_PORT": str(port),
        "DARKROOM_PUBLIC_URL": url,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    } | {name: value for name, value in os.environ.items() if name.startswith("DARKROOM_")}
    folder.publish(environment)
    given = {child.name for child, name in _given(embedded.children) if name in os.environ}
    await supervisor.start([child for child in embedded.children if child.name not in given])
    await _prepare(environment)
    await supervisor.start([_role(role, environment) for role in ROLES])
    ready = f"{url}/health/ready"
    while not await asyncio.to_thread(_answers, ready):  # noqa: ASYNC110 - another process decides
        await asyncio.sleep(0.05)
    return url


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


@main.command()
@data_option
def prepare(data: Path) -> None:
    """Create schema, bucket and streams. Safe to run again, and before every deployment."""
    from bootstrap import upkeep

    asyncio.run(upkeep.prepare(_settings(data)))


@main.command()
@data_option
def api(data: Path) -> None:
    """Serve the HTTP API. Stateless: run as many as you like."""
    _serve(_settings(data))


def _serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. The application is imported by its workers only."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings

    Granian(
        "bootstrap.serving:app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # where it guesses, a connection that says nothing stays for ever
        http1_settings=HTTP1Settings(header_read_timeout=settings.header_timeout * 1_000),
        loop=Loops.uvloop,
        workers=settings.api_workers,
        respawn_failed_workers=True,
        workers_kill_timeout=2,
        log_access=False,
        websockets=False,
    ).serve()


@main.command()
@data_option
def relay(data: Path) -> None:
    """Publish the log to NATS. One works, others stand by."""
    from bootstrap import working

    asyncio.run(_until_signalled(working.run_relay(_settings(data))))


@main.command()
@data_option
def project(data: Path) -> None:
    """Keep the read models. One works for each read model, others stand by."""
    from bootstrap import working

    asyncio.run(_until_signalled(working.run_projectors(_settings(data))))


@main.command()
@data_option
def react(data: Path) -> None:
    """Develop images into thumbnails and metadata. All of them work, on different images."""
    from bootstrap import working

    asyncio.run(_until_signalled(working.run_reactors(_settings(data))))


@main.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Show each server, the head of the log, and how far each read model is.

    Exit code 0 if everything is ready, 1 if not.
    """
    from bootstrap import upkeep

    found = asyncio.run(upkeep.status(_settings(data)))
    if as_json:
        click.echo(json.dumps(found))
    else:
        _print_status(found)
    sys.exit(0 if found["ready"] else 1)


def _print_status(found: dict[str, Any]) -> None:
    table = Table("part", "state", title=f"ready: {'yes' if found['ready'] else 'no'}")
    for name, service in found["services"].items():
        table.add_row(name, service["state"])
    models = Table(
        "read model", "position", "lag", "generation", "parked", title=f"head: {found['head']}"
    )
    for model in found["projections"]:
        models.add_row(
            *(str(model[key]) for key in ("name", "position", "lag", "generation", "parked"))
        )
    Console().print(table, models)


@main.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every read model.")
@data_option
@json_option
def rebuild(names: tuple[str, ...], everything: bool, data: Path, as_json: bool) -> None:
    """Make read models again from the log, beside the running ones, and swap them in.

    The service keeps running and answering. NAMES are those of `darkroom status`.
    """
    from bootstrap import PROJECTIONS, upkeep

    if bool(names) == everything:
        raise click.UsageError("Name read models, or say --all.")
    unknown = set(names) - set(PROJECTIONS)
    if unknown:
        raise click.UsageError(f"No read model is called {', '.join(sorted(unknown))}.")
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=as_json,
    ) as progress:
        tasks: dict[str, Any] = {}

        def report(name: str, position: int, head: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name)
            progress.update(tasks[name], completed=position, total=head)

        chosen = list(names) or list(PROJECTIONS)
        reports = asyncio.run(upkeep.rebuild(_settings(data), chosen, report))
    if as_json:
        click.echo(msgspec.json.encode(reports))
        return
    for done in reports:
        rate = done.events / max(done.seconds, 1e-9)
        click.echo(f"{done.name}: {done.events} events, {done.seconds:.1f} s, {rate:.0f} events/s")


def _settings(data: Path) -> Settings:
    """From the environment, or from what a running `up` left in its data folder."""
    if "DARKROOM_DATABASE_URL" in os.environ:
        return load(os.environ)
    try:
        return load(DataFolder(data).endpoints() | dict(os.environ))
    except FileNotFoundError:
        _fail(
            f"No Darkroom has run on {data}. Start one with `darkroom up --data {data}`,"
            " or set DARKROOM_DATABASE_URL and the others."
        )
    except msgspec.ValidationError as error:
        _fail(f"The settings are wrong: {error}")


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    stopped = _signalled()
    task = asyncio.create_task(work)
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _signalled() -> asyncio.Event:
    """Set on SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


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


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
