"""What can be done with an organization: by its members, its owner, and those who are invited."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from commands.accounts import addressee
from commands.erasure import Erasures, Kind, Ordered, Owned, order
from commands.execute import Stream, execute
from commands.mail import Letter, Letters, Occasion
from commands.ports import Clock, EventStore, Guard, Hasher, Receipt, SetQuota
from domain import membership, organization
from domain.access import Role
from domain.ids import AccountId, OrganizationId, TeamId, to_text
from domain.organization import Name, Organization, OrganizationEvent
from domain.stream import fold

INVITED_FOR = timedelta(days=14)

Decide = Callable[..., Sequence[OrganizationEvent]]


class CreateOrganization(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    organization_id: OrganizationId
    name: str


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    organization_id: OrganizationId
    invitation_id: UUID
    email: str
    role: Role


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    expires_at: datetime
    receipt: Receipt


class Join(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    organization_id: OrganizationId
    invitation_id: UUID
    with_token: bool
    """Whether the invitation's token was shown, and verified."""


class TransferOwnership(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    organization_id: OrganizationId
    to: AccountId


class DeleteOrganization(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    organization_id: OrganizationId


class Govern(msgspec.Struct, frozen=True, kw_only=True):
    """Whatever needs nothing but the organization itself, and somebody's word."""

    by: AccountId
    organization_id: OrganizationId
    decide: Decide
    """One of domain.membership, with its arguments but for `by`."""


def renaming(to: str) -> Decide:
    return partial(membership.rename, to=to)


def ending(invitation_id: UUID) -> Decide:
    return partial(membership.end_invitation, invitation_id=invitation_id)


def changing_role(account_id: AccountId, to: Role) -> Decide:
    return partial(membership.change_role, account_id=account_id, to=to)


def leaving(account_id: AccountId) -> Decide:
    return partial(membership.leave, account_id=account_id)


def creating_team(team_id: TeamId, name: str) -> Decide:
    return partial(membership.create_team, team_id=team_id, name=Name(name=name))


def renaming_team(team_id: TeamId, to: str) -> Decide:
    return partial(membership.rename_team, team_id=team_id, to=to)


def deleting_team(team_id: TeamId) -> Decide:
    return partial(membership.delete_team, team_id=team_id)


def adding_to_team(team_id: TeamId, account_id: AccountId, role: Role) -> Decide:
    return partial(membership.add_to_team, team_id=team_id, account_id=account_id, role=role)


def removing_from_team(team_id: TeamId, account_id: AccountId) -> Decide:
    return partial(membership.remove_from_team, team_id=team_id, account_id=account_id)


async def govern(command: Govern, *, store: EventStore) -> Receipt:
    decide = partial(command.decide, by=command.by)
    return await execute(store, _stream(command.organization_id), decide, by=command.by)


async def create_organization(
    command: CreateOrganization, *, store: EventStore, owned: Owned, plan: str, quota_bytes: int
) -> Receipt:
    decide = partial(
        membership.create,
        by=command.by,
        name=Name(name=command.name),
        plan=plan,
        quota_bytes=quota_bytes,
        owned=await owned.owned(command.by),
    )
    return await execute(
        store,
        _stream(command.organization_id),
        decide,
        by=command.by,
        guards=partial(_quota, command.organization_id),
    )


def invitation_token(hasher: Hasher, organization_id: OrganizationId, id: UUID) -> str:
    """Whoever holds it may join, as long as the invitation is there."""
    proof = hasher.claim_id("invitation", f"{organization_id.hex}/{id.hex}")
    return ".".join((to_text("org", organization_id), to_text("inv", id), to_text("tok", proof)))


async def invite(
    command: Invite,
    *,
    store: EventStore,
    hasher: Hasher,
    letters: Letters,
    now: Clock,
    confirmed: bool,
) -> Invited:
    """`confirmed` is that an address stands for an account only where that has confirmed it: for
    others there is the token in the mail."""
    expires_at = now() + INVITED_FOR
    decide = partial(
        membership.invite,
        by=command.by,
        invitation_id=command.invitation_id,
        role=command.role,
        expires_at=expires_at,
        address_id=hasher.claim_id("email", command.email),
        account_id=await addressee(command.email, store=store, hasher=hasher, confirmed=confirmed),
    )
    receipt = await execute(store, _stream(command.organization_id), decide, by=command.by)
    state = fold(organization.evolve, await store.load(command.organization_id))
    assert state is not None
    token = invitation_token(hasher, command.organization_id, command.invitation_id)
    facts = {"organization": state.name, "role": command.role.value, "token": token}
    await letters.post(
        Letter(
            id=command.invitation_id,
            occasion=Occasion.INVITATION,
            address=command.email,
            facts=facts,
        )
    )
    return Invited(expires_at=expires_at, receipt=receipt)


async def join(command: Join, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(
        membership.join,
        by=command.by,
        invitation_id=command.invitation_id,
        with_token=command.with_token,
        now=now(),
    )
    return await execute(store, _stream(command.organization_id), decide, by=command.by)


async def transfer_ownership(
    command: TransferOwnership, *, store: EventStore, owned: Owned
) -> Receipt:
    decide = partial(
        membership.transfer, by=command.by, to=command.to, owned=await owned.owned(command.to)
    )
    return await execute(store, _stream(command.organization_id), decide, by=command.by)


async def delete_organization(
    command: DeleteOrganization, *, store: EventStore, hasher: Hasher, erasures: Erasures
) -> Ordered:
    """No more room and nobody in it at once; what it had goes in the background."""
    id, decide = command.organization_id, partial(membership.delete, by=command.by)
    guards = partial(_quota, id)
    receipt = await execute(store, _stream(id), decide, by=command.by, guards=guards)
    owner = AccountId(id)
    erasure = await order(Kind.ORGANIZATION, id, owner, store=store, hasher=hasher)
    await erasures.open(erasure)
    return Ordered(receipt_id=erasure.receipt_id, receipt=receipt)


def _quota(id: OrganizationId, before: Organization | None, after: Any) -> Sequence[Guard]:
    quota_bytes = 0 if after.deleted else after.quota_bytes
    if before and before.quota_bytes == quota_bytes:
        return ()
    return (SetQuota(account_id=AccountId(id), quota_bytes=quota_bytes),)


def _stream(organization_id: OrganizationId) -> Stream[Organization]:
    return Stream(organization_id, organization.evolve)
