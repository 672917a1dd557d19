"""What API keys may do, and may make."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from domain import access, account
from domain.access import Scope
from domain.account import AccountErased, AccountRegistered, Identity
from domain.api_key import MOST, ApiKeyIssued, ApiKeyRevoked, KeyName
from domain.ids import KeyId
from domain.refusals import Conflict, Forbidden, NotFound, Unauthenticated
from tests.spec import LATER, MUCH_LATER, NOW, Given

given = partial(Given, account.evolve)
registered = AccountRegistered(
    plan="free", quota_bytes=10, personal=Identity(username="ann", email="ann@example.org")
)
FIRST, SECOND, THIRD = (KeyId(UUID(int=n)) for n in (1, 2, 3))
ASKED = {"name": "robot", "scopes": [Scope.WRITE], "expires_at": None, "by_key": None, "now": NOW}


def issued(id=FIRST, *scopes, **changed):
    scopes = scopes or (Scope.WRITE,)
    return ApiKeyIssued(key_id=id, scopes=scopes, personal=KeyName(name="robot"), **changed)


def issue(*history, id=FIRST, **changed):
    return given(registered, *history).when(account.issue_key, **(ASKED | {"key_id": id} | changed))


def test_a_key_is_made_once():
    issue().then(issued())
    issue(issued()).then_nothing()
    issue(scopes=[Scope.WRITE, Scope.READ, Scope.WRITE]).then(
        issued(FIRST, Scope.READ, Scope.WRITE)
    )


def test_a_key_makes_only_keys_that_may_no_more_than_itself():
    by = {"id": SECOND, "by_key": FIRST}
    issue(issued(), **by).then(issued(SECOND, issued_by=FIRST))
    issue(issued(), **by, scopes=[Scope.READ]).then(issued(SECOND, Scope.READ, issued_by=FIRST))
    for scopes in ([Scope.ADMIN], [Scope.READ, Scope.ADMIN], [Scope.PERSON]):
        issue(issued(), **by, scopes=scopes).then_refused(Forbidden)
    issue(issued(FIRST, Scope.READ), **by).then_refused(Forbidden)


def test_and_that_end_no_later():
    by, mortal = {"id": SECOND, "by_key": FIRST}, issued(expires_at=LATER)
    for wanted in (None, MUCH_LATER, LATER):
        issue(mortal, **by, expires_at=wanted).then(
            issued(SECOND, expires_at=LATER, issued_by=FIRST)
        )
    sooner = LATER - timedelta(days=1)
    issue(mortal, **by, expires_at=sooner).then(issued(SECOND, expires_at=sooner, issued_by=FIRST))


def test_a_dead_key_makes_none():
    by = {"id": SECOND, "by_key": FIRST}
    issue(issued(), ApiKeyRevoked(key_id=FIRST), **by).then_refused(Unauthenticated)
    issue(issued(expires_at=NOW), **by).then_refused(Unauthenticated)
    issue(**by).then_refused(Unauthenticated)


def test_a_key_dies_with_what_it_made():
    history = (
        issued(),
        issued(SECOND, issued_by=FIRST),
        issued(THIRD, issued_by=SECOND),
        issued(KeyId(UUID(int=4))),
    )
    dead = [ApiKeyRevoked(key_id=id) for id in (FIRST, SECOND, THIRD)]
    given(registered, *history).when(account.revoke_key, key_id=FIRST).then(*dead)
    given(registered, *history, *dead).when(account.revoke_key, key_id=FIRST).then_nothing()
    given(registered, *history).when(account.revoke_key, key_id=THIRD).then(dead[2])


def test_only_keys_that_are_there():
    given(registered).when(account.revoke_key, key_id=FIRST).then_refused(NotFound)
    given(registered, issued(), AccountErased()).when(
        account.revoke_key, key_id=FIRST
    ).then_refused(NotFound)


def test_there_are_only_so_many_that_live():
    many = [issued(KeyId(UUID(int=100 + n))) for n in range(MOST)]
    issue(*many).then_refused(Conflict, limit=MOST)
    issue(*many, ApiKeyRevoked(key_id=many[0].key_id)).then(issued())


def test_who_may_write_may_read_and_nobody_who_borrowed_is_a_person():
    order = [Scope.READ, Scope.WRITE, Scope.ADMIN, Scope.PERSON]
    for place, scope in enumerate(order):
        for needed in order[: place + 1]:
            access.require_scope([scope], needed)
        for needed in order[place + 1 :]:
            with pytest.raises(Forbidden):
                access.require_scope([scope], needed)
    with pytest.raises(Forbidden):
        access.require_scope([], Scope.READ)


def test_a_guest_only_uploads_and_who_only_reads_does_not():
    access.require_scope([Scope.UPLOAD], Scope.UPLOAD)
    for needed in set(Scope) - {Scope.UPLOAD}:
        with pytest.raises(Forbidden):
            access.require_scope([Scope.UPLOAD], needed)
    access.require_scope([Scope.WRITE], Scope.UPLOAD)
    with pytest.raises(Forbidden):
        access.require_scope([Scope.READ], Scope.UPLOAD)
