"""The command line: run Darkroom, look at it, care for it, use it."""

from importlib import import_module

import click

MODULES = {
    "up": ("up",),
    "roles": ("prepare", "api", "relay", "project", "react"),
    "care": ("status", "rebuild"),
    "storage": ("storage",),
    "upload": ("upload",),
    "admin": ("admin",),
    "erasure": ("erasure",),
    "keys": ("keys",),
    "audit": ("audit",),
    "replay": ("replay",),
    "events": ("events",),
    "archive": ("backup", "restore"),
    "undo": ("undo", "rewind"),
    "demo": ("demo",),
}
"""Where each command is found."""
_FOUND = {command: module for module, commands in MODULES.items() for command in commands}


class OnDemand(click.Group):
    """Imports a command when it is called: a role holds in memory only what it needs."""

    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(_FOUND)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _FOUND:
            return None
        command: click.Command = getattr(import_module(f"cli.{_FOUND[cmd_name]}"), cmd_name)
        return command


@click.group(cls=OnDemand, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Darkroom: an event-sourced image host.

    `darkroom up` runs everything on this machine. On several machines run `darkroom prepare` once,
    then any number of `api`, `relay`, `project` and `react`, with DARKROOM_* in the environment.
    """
