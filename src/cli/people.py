"""`darkroom admin`, of accounts."""

from pathlib import Path

import click

from bootstrap.administering import Office
from cli.office import (
    WHY,
    Row,
    account,
    acted,
    done,
    in_office,
    limit_option,
    printed,
    reason_option,
    who_argument,
)
from cli.options import data_option, json_option
from commands.administration import (
    Appoint,
    ChangePlan,
    ChangeQuota,
    Dismiss,
    Reinstate,
    SignOut,
    Suspend,
)
from domain.ids import to_text
from projections.accounts import Profile, Sought


@click.command()
@click.option("--search", help="In the name or the address.")
@click.option("--plan", help="Only accounts of this plan.")
@click.option("--suspended", is_flag=True, help="Only accounts that are suspended.")
@limit_option
@data_option
@json_option
def users(
    search: str | None, plan: str | None, suspended: bool, limit: int, data: Path, as_json: bool
) -> None:
    """Accounts, the newest first.

    \b
    Example: darkroom admin users --search example.org --suspended --json
    """
    sought = Sought(text=search, plan=plan, suspended=suspended or None, limit=limit)

    async def look(at: Office) -> list[Row]:
        found = await at.accounts.search(sought)
        return [await _user(at, it) for it in found.profiles]

    printed(in_office(data, look), as_json=as_json)


def _acting(
    name: str, command: type, words: str, *, usual: str | None = None, **now: bool
) -> click.Command:
    """A command that does one thing to one account, and what is true of it then; unless a reason
    is given, for the usual one.
    """
    usual_option = click.option("--reason", default=usual, show_default=True, help=WHY)

    @click.command(
        name,
        help=f'{words}\n\n\b\nExample: darkroom admin {name} ann@example.org --reason "why"',
    )
    @who_argument
    @(usual_option if usual else reason_option)
    @data_option
    @json_option
    def act(who: str, reason: str, data: Path, as_json: bool) -> None:
        async def do(at: Office) -> Row:
            more = {"request": at.new_id()} if command is SignOut else {}
            account_id = await account(at, who)
            asked = command(by=at.by, account_id=account_id, reason=reason, **more)
            return await acted(at, asked, userId=to_text("u", account_id), **now)

        done(data, do, as_json=as_json)

    return act


@click.command()
@who_argument
@click.argument("name")
@reason_option
@data_option
@json_option
def plan(who: str, name: str, reason: str, data: Path, as_json: bool) -> None:
    """Give an account another plan, and that plan's quota. NAME is one of DARKROOM_PLANS.

    \b
    Example: darkroom admin plan ann@example.org premium --reason "paid"
    """

    async def do(at: Office) -> Row:
        account_id = await account(at, who)
        command = ChangePlan(by=at.by, account_id=account_id, plan=name, reason=reason)
        return await acted(at, command, userId=to_text("u", account_id), plan=name)

    done(data, do, as_json=as_json)


@click.command()
@who_argument
@click.argument("quota_bytes", metavar="BYTES", type=click.IntRange(0, 2**62))
@reason_option
@data_option
@json_option
def quota(who: str, quota_bytes: int, reason: str, data: Path, as_json: bool) -> None:
    """Give an account another quota than its plan's.

    \b
    Example: darkroom admin quota ann@example.org 50000000000 --reason "asked for more"
    """

    async def do(at: Office) -> Row:
        account_id = await account(at, who)
        command = ChangeQuota(
            by=at.by, account_id=account_id, quota_bytes=quota_bytes, reason=reason
        )
        return await acted(at, command, userId=to_text("u", account_id), quotaBytes=quota_bytes)

    done(data, do, as_json=as_json)


async def _user(at: Office, profile: Profile) -> Row:
    used = (await at.gallery.usage(profile.id)).storage_bytes
    return {
        "userId": to_text("u", profile.id),
        "username": profile.username,
        "email": profile.email,
        "plan": profile.plan,
        "storageBytes": used,
        "quotaBytes": profile.quota_bytes,
        "suspended": profile.suspended,
        "administrator": profile.administrator or profile.id == at.by,
        "createdAt": profile.created_at,
    }


COMMANDS = (
    users,
    plan,
    quota,
    _acting(
        "suspend",
        Suspend,
        "Let nobody in by this account, whatever they hold in their hands.",
        suspended=True,
    ),
    _acting("reinstate", Reinstate, "Let them in again.", suspended=False),
    _acting("sign-out", SignOut, "End all of their sessions; they can sign in again."),
    _acting(
        "grant",
        Appoint,
        "Make somebody an administrator of this installation.",
        usual="granted on the command line",
        administrator=True,
    ),
    _acting(
        "withdraw",
        Dismiss,
        "Make them none any more; DARKROOM_ADMIN_EMAIL's stays one.",
        administrator=False,
    ),
)
