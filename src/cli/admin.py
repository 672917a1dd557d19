"""`darkroom admin`: what administrators do over HTTP, on the machine itself."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bootstrap.administering import Office, office
from cli.options import data_option, fail, json_option, settings_of
from commands.administration import (
    Appoint,
    ChangePlan,
    ChangeQuota,
    Dismiss,
    Reinstate,
    SignOut,
    Suspend,
)
from commands.holds import LiftHold, PlaceHold
from commands.reports import ResolveReport
from domain.abuse_report import Resolution
from domain.ids import AccountId, ImageId, from_text, to_text
from domain.refusals import Refusal
from projections.accounts import Profile, Sought
from projections.reports import Case, Wanted

T = TypeVar("T")
MOST = 1_000
WIDE = 240
"""Columns, where no terminal says how many there are."""

WHY = "Why: it stays in the audit log."
reason_option = click.option("--reason", required=True, help=WHY)
who_argument = click.argument("who")


@click.group()
def admin() -> None:
    """Accounts, reports and legal holds: the same acts as /v1/admin, without a token.

    Each act is an event with its reason, in the name of the account with DARKROOM_ADMIN_EMAIL's
    address; without one, in Darkroom's. WHO is an e-mail address or an id like u_06h2....

    \b
    Examples:
      darkroom admin users --search example.org
      darkroom admin plan ann@example.org premium --reason "paid"
      darkroom admin reports
      darkroom admin resolve rep_06h2... takedown --reason "not theirs"
      darkroom admin overview
      darkroom admin block img_06h2... --reason "never again"
      darkroom audit log --since 2026-01-01 --type account
    """


@admin.command()
@click.option("--search", help="In the name or the address.")
@click.option("--plan", help="Only accounts of this plan.")
@click.option("--suspended", is_flag=True, help="Only accounts that are suspended.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True)
@data_option
@json_option
def users(
    search: str | None, plan: str | None, suspended: bool, limit: int, data: Path, as_json: bool
) -> None:
    """Accounts, the newest first."""
    sought = Sought(text=search, plan=plan, suspended=suspended or None, limit=limit)

    async def look(at: Office) -> list[dict[str, Any]]:
        found = await at.accounts.search(sought)
        return [await _user(at, it) for it in found.profiles]

    printed(in_office(data, look), as_json=as_json)


def _acting(name: str, command: type, words: str, *, usual: str | None = None) -> None:
    """A command of the group that does one thing to one account, if need be for the usual reason."""

    @admin.command(name, help=words)
    @who_argument
    @click.option("--reason", required=usual is None, default=usual, show_default=True, help=WHY)
    @data_option
    def act(who: str, reason: str, data: Path) -> None:
        async def do(at: Office) -> str:
            more = {"request": at.new_id()} if command is SignOut else {}
            account_id = await _account(at, who)
            await at.dispatch(command(by=at.by, account_id=account_id, reason=reason, **more))
            return to_text("u", account_id)

        click.echo(f"{in_office(data, do)}: done.")


_acting("suspend", Suspend, "Let nobody in by this account, whatever they hold in their hands.")
_acting("reinstate", Reinstate, "Let them in again.")
_acting("sign-out", SignOut, "End all of their sessions; they can sign in again.")
_acting(
    "grant",
    Appoint,
    "Make somebody an administrator of this installation.",
    usual="granted on the command line",
)
_acting("withdraw", Dismiss, "Make them none any more; DARKROOM_ADMIN_EMAIL's stays one.")


@admin.command()
@who_argument
@click.argument("name")
@reason_option
@data_option
def plan(who: str, name: str, reason: str, data: Path) -> None:
    """Give an account another plan, and that plan's quota."""

    async def do(at: Office) -> None:
        account_id = await _account(at, who)
        await at.dispatch(ChangePlan(by=at.by, account_id=account_id, plan=name, reason=reason))

    in_office(data, do)
    click.echo(f"{who} is on {name}.")


@admin.command()
@who_argument
@click.argument("quota_bytes", metavar="BYTES", type=click.IntRange(0, 2**62))
@reason_option
@data_option
def quota(who: str, quota_bytes: int, reason: str, data: Path) -> None:
    """Give an account another quota than its plan's."""

    async def do(at: Office) -> None:
        account_id = await _account(at, who)
        command = ChangeQuota(
            by=at.by, account_id=account_id, quota_bytes=quota_bytes, reason=reason
        )
        await at.dispatch(command)

    in_office(data, do)
    click.echo(f"{who} has room for {quota_bytes} bytes.")


@admin.command()
@click.option("--all", "everything", is_flag=True, help="Those that are resolved, too.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True)
@data_option
@json_option
def reports(everything: bool, limit: int, data: Path, as_json: bool) -> None:
    """What was reported, the oldest first."""
    wanted = Wanted(resolved=None if everything else False, limit=limit)

    async def look(at: Office) -> list[dict[str, Any]]:
        return [*map(_report, (await at.cases.list(wanted)).cases)]

    printed(in_office(data, look), as_json=as_json)


@admin.command()
@click.argument("report")
@click.argument("action", type=click.Choice([it.value for it in Resolution]))
@reason_option
@data_option
def resolve(report: str, action: str, reason: str, data: Path) -> None:
    """Judge a report: dismiss it, or take the image down, or put it into quarantine."""
    report_id = identified("rep", report)

    async def do(at: Office) -> None:
        command = ResolveReport(by=at.by, report_id=report_id, to=Resolution(action), reason=reason)
        await at.dispatch(command)

    in_office(data, do)
    click.echo(f"{report}: {action}.")


@admin.command()
@click.argument("image")
@click.option("--lift", is_flag=True, help="It may be destroyed again.")
@click.option("--reason", default="", help="Why; needed to place it.")
@data_option
def hold(image: str, lift: bool, reason: str, data: Path) -> None:
    """Forbid that an image be destroyed, by anybody and by time."""
    image_id = ImageId(identified("img", image))
    if not (lift or reason):
        raise click.UsageError("--reason is needed: why must it be kept?")

    async def do(at: Office) -> None:
        if lift:
            await at.dispatch(LiftHold(by=at.by, image_id=image_id))
        else:
            await at.dispatch(PlaceHold(by=at.by, image_id=image_id, reason=reason))

    in_office(data, do)
    click.echo(f"{image}: {'may be destroyed again' if lift else 'is held'}.")


def in_office(data: Path, do: Callable[[Office], Awaitable[T]]) -> T:
    settings = settings_of(data)

    async def run() -> T:
        async with office(settings) as at:
            return await do(at)

    try:
        return asyncio.run(run())
    except Refusal as refusal:
        figures = ", ".join(f"{name} {value}" for name, value in refusal.facts.items())
        fail(f"{refusal}{f' ({figures})' if figures else ''}")


async def _account(at: Office, who: str) -> AccountId:
    found = await at.account(who) if "@" in who else from_text("u", who)
    if found is None:
        fail(f"There is no account {who}.")
    return AccountId(found)


def identified(prefix: str, text: str) -> UUID:
    found = from_text(prefix, text)
    if found is None:
        raise click.UsageError(f"{text} is no id: they are like {prefix}_06h2....")
    return found


async def _user(at: Office, profile: Profile) -> dict[str, Any]:
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


def _report(case: Case) -> dict[str, Any]:
    return {
        "reportId": to_text("rep", case.id),
        "imageId": to_text("img", case.image_id),
        "reason": case.reason.value,
        "details": case.details,
        "filedAt": case.filed_at,
        "resolution": case.resolution.value if case.resolution else None,
    }


def printed(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """For machines one object a line."""
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    if not rows:
        click.echo("None.")
        return
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*map(_told, row.values()))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "" if value in (None, False) else "yes" if value is True else str(value)
