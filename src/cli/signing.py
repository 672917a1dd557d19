"""Commands that are clients of a Darkroom, here or elsewhere: where it is, and who asks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


def client_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command `url` and `credentials`."""

    @click.option(
        "--url", envvar="DARKROOM_URL", default="http://127.0.0.1:8080", show_default=True
    )
    @click.option("--token", envvar="DARKROOM_TOKEN", help="Access token; or DARKROOM_TOKEN.")
    @click.option("--email", help="Sign in instead, and again when the token runs out.")
    @click.option("--password", help="Of --email; asked for if not given.")
    @wraps(command)
    def signed(
        *, url: str, token: str | None, email: str | None, password: str | None, **given: Any
    ) -> None:
        from client.api import Credentials

        if not (token or email):
            raise click.UsageError("Say who you are: --token, DARKROOM_TOKEN, or --email.")
        if email and not password:
            password = click.prompt("Password", hide_input=True, err=True)
        who = Credentials(token=token, email=email, password=password)
        command(url=url, credentials=who, **given)

    return signed
