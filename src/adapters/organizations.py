"""The Organizations port: rows of the read model, each brought up to what the log says by now."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from adapters.database import Database
from commands.ports import EventStore
from domain.access import Role
from domain.ids import AccountId, OrganizationId, TeamId
from projections.organizations import OrganizationCard, project

_SELECT = """
    select row_to_json(o)::text, (select max(e.originator_version) from log.darkroom_events e
    where e.originator_id = o.id) from organizations.organizations o where """
_CARD = msgspec.json.Decoder(OrganizationCard)


class PostgresOrganizations:
    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._store = store

    async def find(self, organization_id: OrganizationId) -> OrganizationCard | None:
        found = await self.cards([organization_id])
        return found.get(organization_id) or await self._told(organization_id)

    async def cards(self, ids: Collection[UUID]) -> Mapping[UUID, OrganizationCard]:
        found = await self._where("o.id = any(%s)", list(ids)) if ids else []
        return {card.id: card for card in found}

    async def of_team(self, team_id: TeamId) -> OrganizationCard | None:
        found = await self._where("o.teams <> '{}' and o.teams ? %s", str(team_id))
        return next((card for card in found if team_id in card.teams), None)

    async def of_invitation(self, invitation_id: UUID) -> OrganizationCard | None:
        where = "o.invitations <> '{}' and o.invitations ? %s"
        found = await self._where(where, str(invitation_id))
        return next((card for card in found if invitation_id in card.invitations), None)

    async def joined(self, account_id: AccountId) -> Sequence[OrganizationCard]:
        found = await self._where("o.members ? %s order by o.created_at, o.id", str(account_id))
        return [card for card in found if account_id in card.members]

    async def inviting(self, account_id: AccountId) -> Sequence[OrganizationCard]:
        path = f'$.* ? (@.account_id == "{account_id}")'
        where = (
            "o.invitations <> '{}' and o.invitations @? %s::jsonpath order by o.created_at, o.id"
        )
        return await self._where(where, path)

    async def owned(self, account_id: AccountId) -> int:
        """The Owned port."""
        cards = await self.joined(account_id)
        return sum(card.members[account_id] is Role.OWNER for card in cards)

    async def _where(self, condition: str, parameter: Any) -> list[OrganizationCard]:
        rows = await self._database.rows(_SELECT + condition, (parameter,))
        return [card for row in rows if (card := await self._current(row))]

    async def _current(self, row: Sequence[Any]) -> OrganizationCard | None:
        card, head = _CARD.decode(row[0]), row[1]
        return card if card.version == head else await self._told(card.id)

    async def _told(self, organization_id: OrganizationId) -> OrganizationCard | None:
        card: OrganizationCard | None = None
        for recorded in await self._store.load(organization_id):
            card = project(card, recorded)
        return card
