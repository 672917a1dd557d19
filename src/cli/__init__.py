"""The command line: run Darkroom, look at it, care for it, use it."""

import click

from cli import (
    archive,
    audit,
    care,
    demo,
    erasure,
    events,
    gate,
    keys,
    replay,
    roles,
    storage,
    up,
    upload,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Darkroom: an event-sourced image host.

    `darkroom up` runs everything on this machine. On several machines run `darkroom prepare` once,
    then any number of `api`, `relay`, `project` and `react`, with DARKROOM_* in the environment.
    """


for _command in (
    *(up.up, roles.prepare, roles.api, roles.relay, roles.project, roles.react),
    *(care.status, care.rebuild, storage.storage, upload.upload),
    *(gate.admin, erasure.erasure, keys.keys),
    *(audit.audit, replay.replay, events.events),
    *(archive.backup, archive.restore, demo.demo),
):
    main.add_command(_command)
