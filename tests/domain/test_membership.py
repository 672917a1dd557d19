"""Who comes, goes and decides: each decision does it, refuses it, and stays quiet."""

from functools import partial
from uuid import UUID

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from domain import membership, organization
from domain.access import Role
from domain.ids import AccountId, TeamId
from domain.organization import (
    InvitationEnded,
    MemberInvited,
    MemberJoined,
    MemberLeft,
    Name,
    OrganizationCreated,
    OrganizationDeleted,
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
    Refusal,
    TooManyMembers,
    TooManyOrganizations,
)
from domain.stream import fold
from tests.spec import FRIEND, LATER, MUCH_LATER, NOW, OWNER, STRANGER, Given, anybody, recorded

ADMIN, MEMBER = (AccountId(UUID(int=n)) for n in (4, 5))
TEAM, INVITED, ADDRESS = TeamId(UUID(int=70)), UUID(int=71), UUID(int=72)
created = OrganizationCreated(
    owner_id=OWNER, plan="free", quota_bytes=100, personal=Name(name="Firm")
)


def joined(who, role=Role.VIEWER):
    return MemberJoined(invitation_id=anybody(), account_id=who, role=role)


given = partial(
    Given, organization.evolve, created, joined(ADMIN, Role.ADMIN), joined(MEMBER, Role.EDITOR)
)
invited = MemberInvited(
    invitation_id=INVITED, role=Role.EDITOR, expires_at=LATER, address_id=ADDRESS, account_id=FRIEND
)
team = TeamCreated(team_id=TEAM, personal=Name(name="Prints"))
in_team = TeamMemberAdded(team_id=TEAM, account_id=MEMBER, role=Role.UPLOADER)

create = partial(
    membership.create, by=OWNER, name=Name(name="Firm"), plan="free", quota_bytes=100, owned=0
)
invite = partial(
    membership.invite,
    invitation_id=INVITED,
    role=Role.EDITOR,
    expires_at=LATER,
    address_id=ADDRESS,
    account_id=FRIEND,
)
accept = partial(membership.join, invitation_id=INVITED, with_token=False, now=NOW)
end = partial(membership.end_invitation, invitation_id=INVITED)

GOVERNED = {
    "rename": (partial(membership.rename, to="x"), OrganizationRenamed(personal=Name(name="x"))),
    "invite": (invite, invited),
    "change_role": (
        partial(membership.change_role, account_id=MEMBER, to=Role.ADMIN),
        RoleChanged(account_id=MEMBER, role=Role.ADMIN),
    ),
    "create_team": (partial(membership.create_team, team_id=TEAM, name=Name(name="Prints")), team),
}


@pytest.mark.parametrize(("decide", "event"), GOVERNED.values(), ids=GOVERNED)
def test_who_governs_decides_once(decide, event):
    for by in (OWNER, ADMIN):
        given().when(decide, by=by).then(event)
        given(event).when(decide, by=by).then_nothing()
    given().when(decide, by=MEMBER).then_refused(Forbidden)
    given().when(decide, by=STRANGER).then_refused(NotFound)
    given(OrganizationDeleted()).when(decide, by=OWNER).then_refused(NotFound)


def test_it_is_created_once_and_not_without_end():
    Given(organization.evolve).when(create).then(created)
    given().when(create).then_nothing()
    given().when(create, by=STRANGER).then_refused(NotFound)
    Given(organization.evolve).when(create, owned=5).then_refused(TooManyOrganizations, limit=5)


def test_an_invitation_is_for_one_and_for_a_while():
    given(invited).when(accept, by=FRIEND).then(
        MemberJoined(invitation_id=INVITED, account_id=FRIEND, role=Role.EDITOR)
    )
    given(invited).when(accept, by=STRANGER).then_refused(NotFound)
    given(invited).when(accept, by=STRANGER, with_token=True).then(
        MemberJoined(invitation_id=INVITED, account_id=STRANGER, role=Role.EDITOR)
    )
    used = MemberJoined(invitation_id=INVITED, account_id=FRIEND, role=Role.EDITOR)
    given(invited, used).when(accept, by=FRIEND).then_nothing()
    given(invited, used).when(accept, by=STRANGER, with_token=True).then_refused(InvitationOver)
    given(invited).when(accept, by=FRIEND, now=MUCH_LATER).then_refused(InvitationOver)
    given(invited).when(accept, by=MEMBER, with_token=True).then(
        InvitationEnded(invitation_id=INVITED)
    )
    Given(organization.evolve).when(accept, by=FRIEND).then_refused(NotFound)
    given().when(invite, by=OWNER, role=Role.OWNER).then_refused(Conflict)
    given().when(invite, by=OWNER, account_id=MEMBER).then_refused(Conflict)


def test_an_invitation_is_withdrawn_or_declined():
    ended = InvitationEnded(invitation_id=INVITED)
    for by in (OWNER, ADMIN, FRIEND):
        given(invited).when(end, by=by).then(ended)
    given(invited).when(end, by=MEMBER).then_refused(Forbidden)
    given(invited).when(end, by=STRANGER).then_refused(NotFound)
    given(invited, ended).when(end, by=OWNER).then_refused(NotFound)


def test_there_is_room_for_so_many():
    crowd = [joined(AccountId(UUID(int=1000 + n))) for n in range(membership.MOST_MEMBERS)]
    given(*crowd).when(invite, by=OWNER).then_refused(TooManyMembers, limit=1000)


def test_ownership_is_handed_over_and_never_lost():
    transfer = partial(membership.transfer, to=MEMBER, owned=0)
    given().when(transfer, by=OWNER).then(OwnershipTransferred(account_id=MEMBER))
    handed = OwnershipTransferred(account_id=MEMBER)
    given(handed).when(transfer, by=OWNER).then_nothing()
    given().when(transfer, by=ADMIN).then_refused(Forbidden)
    given().when(transfer, by=OWNER, to=STRANGER).then_refused(NotFound)
    given().when(transfer, by=OWNER, owned=5).then_refused(TooManyOrganizations)
    change = partial(membership.change_role, account_id=OWNER, to=Role.ADMIN)
    given().when(change, by=ADMIN).then_refused(OwnerMustStay)
    own = partial(membership.change_role, account_id=ADMIN, to=Role.OWNER)
    given().when(own, by=ADMIN).then_refused(Conflict)


def test_anybody_leaves_but_the_owner():
    leave = partial(membership.leave, account_id=MEMBER)
    for by in (OWNER, ADMIN, MEMBER):
        given(team, in_team).when(leave, by=by).then(MemberLeft(account_id=MEMBER))
    given().when(leave, by=STRANGER).then_refused(NotFound)
    given().when(partial(membership.leave, account_id=ADMIN), by=MEMBER).then_refused(Forbidden)
    owner = partial(membership.leave, account_id=OWNER)
    given().when(owner, by=OWNER).then_refused(OwnerMustStay)
    given().when(owner, by=ADMIN).then_refused(OwnerMustStay)
    state = fold(
        organization.evolve,
        recorded(created, joined(MEMBER), team, in_team, MemberLeft(account_id=MEMBER)),
    )
    assert MEMBER not in state.roles(TEAM)


def test_a_team_is_led_by_its_administrators_and_by_who_governs():
    leader = TeamMemberAdded(team_id=TEAM, account_id=MEMBER, role=Role.ADMIN)
    rename = partial(membership.rename_team, team_id=TEAM, to="x")
    renamed = TeamRenamed(team_id=TEAM, personal=Name(name="x"))
    add = partial(membership.add_to_team, team_id=TEAM, account_id=ADMIN, role=Role.VIEWER)
    added = TeamMemberAdded(team_id=TEAM, account_id=ADMIN, role=Role.VIEWER)
    for decide, event in ((rename, renamed), (add, added)):
        given(team, leader).when(decide, by=MEMBER).then(event)
        given(team).when(decide, by=ADMIN).then(event)
        given(team, in_team).when(decide, by=MEMBER).then_refused(Forbidden)
        given(team).when(decide, by=MEMBER).then_refused(NotFound)
        given(team, event).when(decide, by=OWNER).then_nothing()
    given(team).when(add, by=OWNER, account_id=STRANGER).then_refused(NotFound)
    given(team).when(add, by=OWNER, role=Role.OWNER).then_refused(Conflict)
    remove = partial(membership.remove_from_team, team_id=TEAM, account_id=MEMBER)
    removed = TeamMemberRemoved(team_id=TEAM, account_id=MEMBER)
    given(team, in_team).when(remove, by=ADMIN).then(removed)
    given(team, in_team).when(remove, by=MEMBER).then(removed)
    given(team, in_team, removed).when(remove, by=ADMIN).then_refused(NotFound)
    delete = partial(membership.delete_team, team_id=TEAM)
    given(team, leader).when(delete, by=ADMIN).then(TeamDeleted(team_id=TEAM))
    given(team, leader).when(delete, by=MEMBER).then_refused(Forbidden)


def test_it_is_deleted_by_its_owner_alone():
    given().when(membership.delete, by=OWNER).then(OrganizationDeleted())
    given().when(membership.delete, by=ADMIN).then_refused(Forbidden)
    given().when(membership.delete, by=STRANGER).then_refused(NotFound)
    given().when(membership.delete_again).then(OrganizationDeleted())
    given(OrganizationDeleted()).when(membership.delete_again).then_nothing()


def test_whose_account_is_erased_leaves():
    given().when(membership.depart, account_id=MEMBER).then(MemberLeft(account_id=MEMBER))
    given().when(membership.depart, account_id=STRANGER).then_nothing()
    given().when(membership.depart, account_id=OWNER).then_nothing()


people = st.sampled_from([OWNER, ADMIN, MEMBER, FRIEND, STRANGER])
roles = st.sampled_from(Role)
requests = st.one_of(
    st.tuples(
        st.just(membership.change_role), st.fixed_dictionaries({"account_id": people, "to": roles})
    ),
    st.tuples(
        st.just(membership.transfer), st.fixed_dictionaries({"to": people, "owned": st.just(0)})
    ),
    st.tuples(st.just(membership.leave), st.fixed_dictionaries({"account_id": people})),
    st.tuples(
        st.just(membership.create_team), st.just({"team_id": TEAM, "name": Name(name="Prints")})
    ),
    st.tuples(
        st.just(membership.add_to_team),
        st.fixed_dictionaries({"team_id": st.just(TEAM), "account_id": people, "role": roles}),
    ),
    st.tuples(st.just(membership.invite), st.just(invite.keywords | {"account_id": FRIEND})),
    st.tuples(
        st.just(membership.join),
        st.just({"invitation_id": INVITED, "with_token": False, "now": NOW}),
    ),
)


@generated(st.lists(st.tuples(people, requests), max_size=15))
def test_whatever_is_asked_there_is_one_owner_and_no_stranger_in_a_team(asked):
    history = [created, joined(ADMIN, Role.ADMIN), joined(MEMBER)]
    for by, (decide, arguments) in asked:
        state = fold(organization.evolve, recorded(*history))
        try:
            history += decide(state, by=by, **arguments)
        except Refusal:
            continue
    state = fold(organization.evolve, recorded(*history))

    assert list(state.members.values()).count(Role.OWNER) == 1
    assert STRANGER not in state.members
    for it in state.teams.values():
        assert it.members.keys() <= state.members.keys()


def test_that_room_is_short_is_noted_once_for_each_threshold_and_again_after_it_came_back():
    def using(used):
        return {"used": used, "quota": 100}

    short, back = RoomRanShort(percent=80), RoomCameBack(percent=0)
    given().when(membership.note_usage, **using(79)).then_nothing()
    given().when(membership.note_usage, **using(81)).then(short)
    given(short).when(membership.note_usage, **using(94)).then_nothing()
    given(short).when(membership.note_usage, **using(100)).then(
        RoomRanShort(percent=95), RoomRanShort(percent=100)
    )
    given(short).when(membership.note_usage, **using(70)).then(back)
    given(short, back).when(membership.note_usage, **using(80)).then(short)
    given(OrganizationDeleted()).when(membership.note_usage, **using(100)).then_nothing()
