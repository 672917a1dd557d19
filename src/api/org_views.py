"""Organizations as their members see them."""

from typing import Any
from uuid import UUID

from api.parts import Parts
from domain import membership
from domain.ids import AccountId, OrganizationId, TeamId, to_text
from domain.organization import Invitation, Team
from domain.refusals import NotFound
from projections.organizations import OrganizationCard


async def joined(parts: Parts, caller: AccountId, id: OrganizationId) -> OrganizationCard:
    """The organization, to its members. To everybody else there is nothing."""
    card = await parts.organizations.find(id)
    membership.member(card.state if card else None, caller)
    assert card is not None
    return card


async def governed(parts: Parts, caller: AccountId, id: OrganizationId) -> OrganizationCard:
    """The same, to its owner and administrators."""
    card = await joined(parts, caller, id)
    membership.governed(card.state, caller)
    return card


async def organization_of(parts: Parts, caller: AccountId, team_id: TeamId) -> OrganizationId:
    """Whose team it is, to who belongs to the organization."""
    card = await parts.organizations.of_team(team_id)
    membership.member(card.state if card else None, caller)
    assert card is not None
    return card.id


async def seen_team(
    parts: Parts, caller: AccountId, team_id: TeamId
) -> tuple[OrganizationCard, Team]:
    """A team, to its members and to who governs it. To everybody else there is nothing."""
    card = await parts.organizations.of_team(team_id)
    if card is None or caller not in card.state.roles(team_id):
        raise NotFound
    return card, card.teams[team_id]


def organization(card: OrganizationCard, caller: AccountId) -> dict[str, Any]:
    return {
        "orgId": to_text("org", card.id),
        "name": card.name,
        "plan": card.plan,
        "quotaBytes": card.quota_bytes,
        "role": card.members[caller].value,
        "memberCount": len(card.members),
        "createdAt": card.created_at,
    }


def team(card: OrganizationCard, id: TeamId, caller: AccountId) -> dict[str, Any]:
    role = card.state.roles(id).get(caller)
    return {
        "teamId": to_text("team", id),
        "orgId": to_text("org", card.id),
        "name": card.teams[id].name,
        "role": role.value if role else None,
        "memberCount": len(card.teams[id].members),
    }


def invitation(id: UUID, it: Invitation) -> dict[str, Any]:
    return {
        "invitationId": to_text("inv", id),
        "role": it.role.value,
        "expiresAt": it.expires_at,
    }
