"""Who comes, goes and decides in an organization and its teams. Strangers learn nothing of it."""

from datetime import datetime
from uuid import UUID

from domain import plan
from domain.access import Role
from domain.ids import AccountId, TeamId
from domain.organization import (
    InvitationEnded,
    MemberInvited,
    MemberJoined,
    MemberLeft,
    Name,
    Organization,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationEvent,
    OrganizationRenamed,
    OwnershipTransferred,
    RoleChanged,
    RoomCameBack,
    RoomRanShort,
    TeamCreated,
    TeamDeleted,
    TeamMemberAdded,
    TeamMemberRemoved,
    TeamRenamed,
)
from domain.refusals import (
    Conflict,
    Forbidden,
    InvitationOver,
    NotFound,
    OwnerMustStay,
    TooManyMembers,
    TooManyOrganizations,
)

MOST_OWNED = 5
"""Organizations of one account: each has a quota of its own."""
MOST_MEMBERS = 1_000
"""Invitations, which may become some, counted in."""
MOST_TEAMS = 100


def create(
    organization: Organization | None,
    *,
    by: AccountId,
    name: Name,
    plan: str,
    quota_bytes: int,
    owned: int,
) -> list[OrganizationEvent]:
    """`owned` is how many `by` owns already."""
    if organization is not None:
        member(organization, by)
        return []
    if owned >= MOST_OWNED:
        raise TooManyOrganizations(limit=MOST_OWNED)
    return [OrganizationCreated(owner_id=by, plan=plan, quota_bytes=quota_bytes, personal=name)]


def rename(organization: Organization | None, *, by: AccountId, to: str) -> list[OrganizationEvent]:
    organization = governed(organization, by)
    return [] if organization.name == to else [OrganizationRenamed(personal=Name(name=to))]


def invite(
    organization: Organization | None,
    *,
    by: AccountId,
    invitation_id: UUID,
    role: Role,
    expires_at: datetime,
    address_id: UUID,
    account_id: AccountId | None,
) -> list[OrganizationEvent]:
    organization = governed(organization, by)
    if invitation_id in organization.invitations:
        return []
    if role is Role.OWNER:
        raise Conflict(reason="there is one owner; ownership can be transferred to a member")
    if account_id in organization.members:
        raise Conflict(reason="is a member already")
    if len(organization.members) + len(organization.invitations) >= MOST_MEMBERS:
        raise TooManyMembers(limit=MOST_MEMBERS)
    return [
        MemberInvited(
            invitation_id=invitation_id,
            role=role,
            expires_at=expires_at,
            address_id=address_id,
            account_id=account_id,
        )
    ]


def join(
    organization: Organization | None,
    *,
    by: AccountId,
    invitation_id: UUID,
    with_token: bool,
    now: datetime,
) -> list[OrganizationEvent]:
    """With the invitation's token, or as the account that was invited."""
    if organization is None or organization.deleted:
        raise NotFound
    invitation = organization.invitations.get(invitation_id)
    if by in organization.members and (invitation is None or not with_token):
        return []
    if not with_token and (invitation is None or invitation.account_id != by):
        raise NotFound
    if invitation is None or invitation.expires_at <= now:
        raise InvitationOver
    if by in organization.members:
        return [InvitationEnded(invitation_id=invitation_id)]
    return [MemberJoined(invitation_id=invitation_id, account_id=by, role=invitation.role)]


def end_invitation(
    organization: Organization | None, *, by: AccountId, invitation_id: UUID
) -> list[OrganizationEvent]:
    """Withdrawn by who may invite, or declined by who was invited."""
    invitation = organization.invitations.get(invitation_id) if organization else None
    if invitation is None or invitation.account_id != by:
        governed(organization, by)
    if invitation is None:
        raise NotFound
    return [InvitationEnded(invitation_id=invitation_id)]


def change_role(
    organization: Organization | None, *, by: AccountId, account_id: AccountId, to: Role
) -> list[OrganizationEvent]:
    organization = governed(organization, by)
    role = organization.members.get(account_id)
    if role is None:
        raise NotFound
    if role is to:
        return []
    if role is Role.OWNER:
        raise OwnerMustStay
    if to is Role.OWNER:
        raise Conflict(reason="there is one owner; ownership can be transferred to a member")
    return [RoleChanged(account_id=account_id, role=to)]


def transfer(
    organization: Organization | None, *, by: AccountId, to: AccountId, owned: int
) -> list[OrganizationEvent]:
    """`owned` is how many `to` owns already."""
    organization = member(organization, by)
    if organization.members.get(to) is Role.OWNER:
        return []
    if organization.members[by] is not Role.OWNER:
        raise Forbidden
    if to not in organization.members:
        raise NotFound
    if owned >= MOST_OWNED:
        raise TooManyOrganizations(limit=MOST_OWNED)
    return [OwnershipTransferred(account_id=to)]


def leave(
    organization: Organization | None, *, by: AccountId, account_id: AccountId
) -> list[OrganizationEvent]:
    """Anybody leaves, but for the owner; who governs removes others."""
    organization = member(organization, by) if by == account_id else governed(organization, by)
    role = organization.members.get(account_id)
    if role is None:
        raise NotFound
    if role is Role.OWNER:
        raise OwnerMustStay
    return [MemberLeft(account_id=account_id)]


def depart(organization: Organization | None, *, account_id: AccountId) -> list[OrganizationEvent]:
    """The account is erased."""
    if organization is None or organization.members.get(account_id) in (None, Role.OWNER):
        return []
    return [MemberLeft(account_id=account_id)]


def create_team(
    organization: Organization | None, *, by: AccountId, team_id: TeamId, name: Name
) -> list[OrganizationEvent]:
    organization = governed(organization, by)
    if team_id in organization.teams:
        return []
    if len(organization.teams) >= MOST_TEAMS:
        raise TooManyMembers(limit=MOST_TEAMS)
    return [TeamCreated(team_id=team_id, personal=name)]


def rename_team(
    organization: Organization | None, *, by: AccountId, team_id: TeamId, to: str
) -> list[OrganizationEvent]:
    organization = _led(organization, by, team_id)
    if organization.teams[team_id].name == to:
        return []
    return [TeamRenamed(team_id=team_id, personal=Name(name=to))]


def delete_team(
    organization: Organization | None, *, by: AccountId, team_id: TeamId
) -> list[OrganizationEvent]:
    organization = governed(organization, by)
    if team_id not in organization.teams:
        raise NotFound
    return [TeamDeleted(team_id=team_id)]


def add_to_team(
    organization: Organization | None,
    *,
    by: AccountId,
    team_id: TeamId,
    account_id: AccountId,
    role: Role,
) -> list[OrganizationEvent]:
    organization = _led(organization, by, team_id)
    if account_id not in organization.members:
        raise NotFound
    if role is Role.OWNER:
        raise Conflict(reason="teams have no owner: they belong to the organization")
    if organization.teams[team_id].members.get(account_id) is role:
        return []
    return [TeamMemberAdded(team_id=team_id, account_id=account_id, role=role)]


def remove_from_team(
    organization: Organization | None, *, by: AccountId, team_id: TeamId, account_id: AccountId
) -> list[OrganizationEvent]:
    """By who leads the team; and anybody leaves."""
    if by == account_id:
        organization = member(organization, by)
        if team_id not in organization.teams:
            raise NotFound
    else:
        organization = _led(organization, by, team_id)
    if account_id not in organization.teams[team_id].members:
        raise NotFound
    return [TeamMemberRemoved(team_id=team_id, account_id=account_id)]


def note_usage(
    organization: Organization | None, *, used: int, quota: int
) -> list[OrganizationEvent]:
    """Nothing where it is no more: nobody is there to be told."""
    if organization is None or organization.deleted:
        return []
    up, down = plan.crossed(organization.reached, used=used, quota=quota)
    left = [] if down is None else [RoomCameBack(percent=down)]
    return [*(RoomRanShort(percent=it) for it in up), *left]


def delete(organization: Organization | None, *, by: AccountId) -> list[OrganizationEvent]:
    organization = member(organization, by)
    if organization.members[by] is not Role.OWNER:
        raise Forbidden
    return [OrganizationDeleted()]


def delete_again(organization: Organization | None) -> list[OrganizationEvent]:
    """Where a restored log knows it again."""
    return [] if organization is None or organization.deleted else [OrganizationDeleted()]


def member(organization: Organization | None, by: AccountId) -> Organization:
    """The organization, if `by` is a member. Raises NotFound."""
    if organization is None or by not in organization.members:
        raise NotFound
    return organization


def governed(organization: Organization | None, by: AccountId) -> Organization:
    """The same, if `by` is its owner or an administrator. Raises Forbidden, to members."""
    organization = member(organization, by)
    if by not in organization.stewards:
        raise Forbidden
    return organization


def _led(organization: Organization | None, by: AccountId, team_id: TeamId) -> Organization:
    """The same, if `by` governs it, or administrates the team."""
    organization = member(organization, by)
    roles = organization.roles(team_id)
    if team_id not in organization.teams or by not in roles:
        raise NotFound
    if roles[by] not in (Role.OWNER, Role.ADMIN):
        raise Forbidden
    return organization
