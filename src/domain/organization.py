"""An organization: its members, its teams, and who was asked to join."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.access import Role, without
from domain.ids import AccountId, TeamId
from domain.stream import Event, Personal

# Events


class Name(Personal, frozen=True, kw_only=True):
    name: str


class OrganizationCreated(Event, frozen=True, kw_only=True, tag="organization.created"):
    owner_id: AccountId
    plan: str
    quota_bytes: int
    personal: Name | None


class OrganizationRenamed(Event, frozen=True, kw_only=True, tag="organization.renamed"):
    personal: Name | None


class MemberInvited(Event, frozen=True, kw_only=True, tag="organization.member-invited"):
    """Whoever holds the invitation's token may join; so may the account that has the address."""

    invitation_id: UUID
    role: Role
    expires_at: datetime
    address_id: UUID
    """A keyed hash of the e-mail address: the address is its owner's to have forgotten."""
    account_id: AccountId | None = None
    """The account that had this address when it was invited."""


class InvitationEnded(Event, frozen=True, kw_only=True, tag="organization.invitation-ended"):
    """Withdrawn, or declined."""

    invitation_id: UUID


class MemberJoined(Event, frozen=True, kw_only=True, tag="organization.member-joined"):
    invitation_id: UUID
    account_id: AccountId
    role: Role


class RoleChanged(Event, frozen=True, kw_only=True, tag="organization.role-changed"):
    account_id: AccountId
    role: Role


class OwnershipTransferred(
    Event, frozen=True, kw_only=True, tag="organization.ownership-transferred"
):
    """Who was the owner stays as an administrator."""

    account_id: AccountId


class MemberLeft(Event, frozen=True, kw_only=True, tag="organization.member-left"):
    """By leaving or by being removed, every team with it."""

    account_id: AccountId


class TeamCreated(Event, frozen=True, kw_only=True, tag="organization.team-created"):
    team_id: TeamId
    personal: Name | None


class TeamRenamed(Event, frozen=True, kw_only=True, tag="organization.team-renamed"):
    team_id: TeamId
    personal: Name | None


class TeamDeleted(Event, frozen=True, kw_only=True, tag="organization.team-deleted"):
    """Its albums stay with the organization's owner and administrators."""

    team_id: TeamId


class TeamMemberAdded(Event, frozen=True, kw_only=True, tag="organization.team-member-added"):
    """Again with another role replaces it."""

    team_id: TeamId
    account_id: AccountId
    role: Role


class TeamMemberRemoved(Event, frozen=True, kw_only=True, tag="organization.team-member-removed"):
    team_id: TeamId
    account_id: AccountId


class RoomRanShort(Event, frozen=True, kw_only=True, tag="organization.quota-reached"):
    percent: int


class RoomCameBack(Event, frozen=True, kw_only=True, tag="organization.quota-left"):
    percent: int
    """The highest threshold that is still reached; 0 for none."""


class OrganizationDeleted(Event, frozen=True, kw_only=True, tag="organization.deleted"):
    """The stream's key, every album and every image are destroyed because of this."""


OrganizationEvent: TypeAlias = (
    OrganizationCreated
    | OrganizationRenamed
    | MemberInvited
    | InvitationEnded
    | MemberJoined
    | RoleChanged
    | OwnershipTransferred
    | MemberLeft
    | TeamCreated
    | TeamRenamed
    | TeamDeleted
    | TeamMemberAdded
    | TeamMemberRemoved
    | RoomRanShort
    | RoomCameBack
    | OrganizationDeleted
)

# State


class Team(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    members: Mapping[AccountId, Role] = {}


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    role: Role
    expires_at: datetime
    address_id: UUID
    account_id: AccountId | None = None


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    plan: str
    quota_bytes: int
    members: Mapping[AccountId, Role]
    teams: Mapping[TeamId, Team] = {}
    invitations: Mapping[UUID, Invitation] = {}
    reached: int = 0
    """Per cent of the quota that its stewards were told of."""
    deleted: bool = False

    @property
    def stewards(self) -> Mapping[AccountId, Role]:
        """Who may do everything with what belongs to it."""
        return {id: role for id, role in self.members.items() if role in (Role.OWNER, Role.ADMIN)}

    def roles(self, team_id: TeamId | None) -> Mapping[AccountId, Role]:
        """What everybody is to what belongs to a team."""
        team = self.teams.get(team_id) if team_id else None
        return {**(team.members if team else {}), **self.stewards}


def evolve(  # noqa: C901 - one case an event
    organization: Organization | None, event: OrganizationEvent
) -> Organization:
    if isinstance(event, OrganizationCreated):
        return Organization(
            name=named(event.personal),
            plan=event.plan,
            quota_bytes=event.quota_bytes,
            members={event.owner_id: Role.OWNER},
        )
    assert organization is not None, "an organization stream opens with OrganizationCreated"
    match event:
        case OrganizationRenamed(personal=name):
            return replace(organization, name=named(name))
        case MemberInvited() | InvitationEnded():
            return replace(organization, invitations=_invitations(organization, event))
        case MemberJoined(invitation_id=invitation_id, account_id=account_id, role=role):
            left = {id: it for id, it in organization.invitations.items() if id != invitation_id}
            members = {**organization.members, account_id: role}
            return replace(organization, members=members, invitations=left)
        case RoleChanged(account_id=account_id, role=role):
            return replace(organization, members={**organization.members, account_id: role})
        case OwnershipTransferred(account_id=account_id):
            return replace(organization, members=_handed_over(organization, account_id))
        case MemberLeft(account_id=account_id):
            return _left(organization, account_id)
        case (
            TeamCreated() | TeamRenamed() | TeamDeleted() | TeamMemberAdded() | TeamMemberRemoved()
        ):
            return replace(organization, teams=_teams(organization, event))
        case RoomRanShort(percent=percent) | RoomCameBack(percent=percent):
            return replace(organization, reached=percent)
        case OrganizationDeleted():
            return replace(
                organization, name="", members={}, teams={}, invitations={}, deleted=True
            )
        case _:
            assert_never(event)


def named(name: Name | None) -> str:
    return name.name if name else ""


def _invitations(
    organization: Organization, event: MemberInvited | InvitationEnded
) -> Mapping[UUID, Invitation]:
    kept = {id: it for id, it in organization.invitations.items() if id != event.invitation_id}
    if isinstance(event, InvitationEnded):
        return kept
    invitation = Invitation(
        role=event.role,
        expires_at=event.expires_at,
        address_id=event.address_id,
        account_id=event.account_id,
    )
    return {**kept, event.invitation_id: invitation}


def _handed_over(organization: Organization, to: AccountId) -> Mapping[AccountId, Role]:
    return {
        id: Role.OWNER if id == to else Role.ADMIN if role is Role.OWNER else role
        for id, role in organization.members.items()
    }


def _left(organization: Organization, account_id: AccountId) -> Organization:
    teams = {
        id: replace(team, members=without(team.members, account_id))
        for id, team in organization.teams.items()
    }
    return replace(organization, members=without(organization.members, account_id), teams=teams)


def _teams(
    organization: Organization,
    event: TeamCreated | TeamRenamed | TeamDeleted | TeamMemberAdded | TeamMemberRemoved,
) -> Mapping[TeamId, Team]:
    teams, id = organization.teams, event.team_id
    match event:
        case TeamCreated(personal=name):
            return {**teams, id: Team(name=named(name))}
        case TeamRenamed(personal=name):
            return {**teams, id: replace(teams[id], name=named(name))}
        case TeamDeleted():
            return {other: team for other, team in teams.items() if other != id}
        case TeamMemberAdded(account_id=account_id, role=role):
            members = {**teams[id].members, account_id: role}
            return {**teams, id: replace(teams[id], members=members)}
        case TeamMemberRemoved(account_id=account_id):
            members = without(teams[id].members, account_id)
            return {**teams, id: replace(teams[id], members=members)}
