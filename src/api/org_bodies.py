"""What clients may send about organizations and teams."""

from typing import Annotated

from msgspec import Meta

from api.bodies import Body, Email, Title
from domain.access import Role


class NewOrganization(Body, kw_only=True):
    name: Annotated[Title, Meta(min_length=1)]


class NewTeam(Body, kw_only=True):
    name: Annotated[Title, Meta(min_length=1)]


class NewRole(Body, kw_only=True):
    role: Role


class NewInvitation(Body, kw_only=True):
    email: Email
    role: Role = Role.VIEWER


class Accepting(Body, kw_only=True):
    token: Annotated[str, Meta(max_length=200)]


class Transfer(Body, kw_only=True):
    user_id: str
