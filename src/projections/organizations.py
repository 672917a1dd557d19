"""Organizations, with everybody in them: whose albums and images they are, the policy asks here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import organization
from domain.access import Role
from domain.ids import AccountId, OrganizationId, TeamId
from domain.organization import Invitation, Organization, OrganizationCreated, Team
from domain.stream import Recorded

NAME = "organizations"
STREAMS = frozenset({"organization"})


class OrganizationCard(msgspec.Struct, frozen=True, kw_only=True):
    """One organization. Its fields are the columns of organizations.organizations."""

    id: OrganizationId
    version: int
    name: str
    plan: str
    quota_bytes: int
    members: dict[AccountId, Role]
    teams: dict[TeamId, Team]
    invitations: dict[UUID, Invitation]
    reached: int
    created_at: datetime

    @property
    def state(self) -> Organization:
        return Organization(
            name=self.name,
            plan=self.plan,
            quota_bytes=self.quota_bytes,
            members=self.members,
            teams=self.teams,
            invitations=self.invitations,
            reached=self.reached,
        )


class Organizations(Protocol):
    """The read port. Cards are as the log has them by now, whatever the read model knows."""

    async def find(self, organization_id: OrganizationId) -> OrganizationCard | None:
        """None if it is unknown, or deleted."""
        ...

    async def cards(self, ids: Collection[UUID]) -> Mapping[UUID, OrganizationCard]:
        """Those that there are."""
        ...

    async def of_team(self, team_id: TeamId) -> OrganizationCard | None: ...

    async def of_invitation(self, invitation_id: UUID) -> OrganizationCard | None: ...

    async def joined(self, account_id: AccountId) -> Sequence[OrganizationCard]:
        """Those that somebody is a member of, oldest first."""
        ...

    async def inviting(self, account_id: AccountId) -> Sequence[OrganizationCard]:
        """Those that wait for somebody's answer."""
        ...


def project(card: OrganizationCard | None, recorded: Recorded[Any]) -> OrganizationCard | None:
    """The next card. Pure; None removes it."""
    event = recorded.event
    if isinstance(event, OrganizationCreated):
        opened = organization.evolve(None, event)
        return OrganizationCard(
            id=OrganizationId(recorded.stream_id),
            version=recorded.version,
            created_at=recorded.at,
            **_columns(opened),
        )
    if card is None or not isinstance(event, organization.OrganizationEvent):
        return card
    state = organization.evolve(card.state, event)
    if state.deleted:
        return None
    return replace(card, version=recorded.version, **_columns(state))


def _columns(state: Organization) -> dict[str, Any]:
    return {
        "name": state.name,
        "plan": state.plan,
        "quota_bytes": state.quota_bytes,
        "members": dict(state.members),
        "teams": dict(state.teams),
        "invitations": dict(state.invitations),
        "reached": state.reached,
    }
