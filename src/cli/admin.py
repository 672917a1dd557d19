"""`darkroom admin`: what administrators do over HTTP, on the machine itself."""

import click

from cli import blocking, gate, holds, overview, people


@click.group()
def admin() -> None:
    """Accounts, images, reports and legal holds: the same acts as /v1/admin, without a token.

    Each act is an event with its reason, in the name of the account with DARKROOM_ADMIN_EMAIL's
    address; without one, in Darkroom's. It prints what is true now, and the position of the event:
    none where it was so already. --json prints one object a line. WHO is an e-mail address or an
    id like u_06h2....

    \b
    Examples:
      darkroom admin users --search example.org
      darkroom admin plan ann@example.org premium --reason "paid"
      darkroom admin reports
      darkroom admin resolve rep_06h2... takedown --reason "not theirs"
      darkroom admin hold img_06h2... --reason "a court wants it"
      darkroom admin overview
      darkroom audit log --since 2026-01-01 --type account
    """


for module in (people, gate, holds, overview, blocking):
    for command in module.COMMANDS:
        admin.add_command(command)
