"""Each role as a process of its own, for several machines; `up` runs them too."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from cli import collector
from cli.options import data_option, settings_of, signalled
from settings import Settings

AGAIN = 0.5  # seconds until it is told again to end: nats-py can swallow a cancellation


@click.command()
@data_option
def prepare(data: Path) -> None:
    """Create schema, bucket and streams. Safe to run again, and before every deployment."""
    from bootstrap import upkeep

    asyncio.run(upkeep.prepare(settings_of(data)))


@click.command()
@data_option
def api(data: Path) -> None:
    """Serve the HTTP API. Stateless: run as many as you like."""
    _serve(settings_of(data))


def _serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Its workers are forked: they share what is imported here."""
    import gc

    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings

    from bootstrap import serving

    gc.freeze()  # a collection that looked at it would copy it
    Granian(
        f"{serving.__name__}:{serving.app.__name__}",
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


@click.command()
@data_option
def relay(data: Path) -> None:
    """Publish the log to NATS. One works, others stand by."""
    from bootstrap import following

    _work(following.run_relay, settings_of(data))


@click.command()
@data_option
def project(data: Path) -> None:
    """Keep the read models. One works for each read model, others stand by."""
    from bootstrap import following

    _work(following.run_projectors, settings_of(data))


@click.command()
@data_option
def react(data: Path) -> None:
    """Develop images into thumbnails and metadata. All of them work, on different images."""
    from bootstrap import reacting

    _work(reacting.run_reactors, settings_of(data))


def _work(role: Callable[[Settings], Coroutine[Any, Any, None]], settings: Settings) -> None:
    import uvloop

    if settings.metrics_port:
        from adapters import metrics

        metrics.serve(settings.metrics_port)
    collector.spare()
    uvloop.run(_until_signalled(role(settings)))


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    stopped = signalled()
    task = asyncio.create_task(work)
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN)
