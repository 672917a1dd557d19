"""Organizations: who comes and goes, who may do what, and what belongs to all of them."""

import httpx
import pytest

from tests.api.test_albums import at, ids, inside, new_album
from tests.people import PASSWORD, Person, eventually, expect, refused


@pytest.fixture(scope="module")
def cal(service) -> Person:
    return Person(service, "cal")


@pytest.fixture(scope="module")
def dee(service) -> Person:
    return Person(service, "dee")


def found_organization(person, name="Lens Ltd"):
    answer = person.http.post("/v1/orgs", json={"name": name})
    made = expect(answer, 201)
    assert answer.headers["location"] == of(made)
    return made


def of(organization):
    return f"/v1/orgs/{organization['orgId']}"


def invited(organization, by, email, role="viewer"):
    body = {"email": email, "role": role}
    return expect(by.http.post(f"{of(organization)}/invitations", json=body), 201)


def join(organization, by, whom, role="viewer"):
    token = invited(organization, by, whom.email, role)["token"]
    return expect(whom.http.post("/v1/invitations/accept", json={"token": token}), 200)


def members(person, organization):
    found = expect(person.http.get(f"{of(organization)}/members"), 200)["members"]
    return {it["userId"]: it["role"] for it in found}


def new_team(person, organization, name="Prints"):
    return expect(person.http.post(f"{of(organization)}/teams", json={"name": name}), 201)


def assign(by, team, whom, role):
    path = f"/v1/teams/{team['teamId']}/members/{whom.id}"
    return expect(by.http.put(path, json={"role": role}), 200)


@pytest.fixture(scope="module")
def firm(ann, ben, cal):
    """Ann's, with ben as an administrator and cal as a member."""
    made = found_organization(ann)
    join(made, ann, ben, "admin")
    join(made, ben, cal)
    return made


def test_it_is_its_members_and_nobody_elses(ann, ben, cal, dee, anyone, firm):
    assert members(cal, firm) == {ann.id: "owner", ben.id: "admin", cal.id: "viewer"}
    for person, role in ((ann, "owner"), (ben, "admin"), (cal, "viewer")):
        assert expect(person.http.get(of(firm)), 200)["role"] == role
        listed = expect(person.http.get("/v1/orgs"), 200)["orgs"]
        assert firm["orgId"] in [it["orgId"] for it in listed]
    assert expect(dee.http.get("/v1/orgs"), 200)["orgs"] == []
    for method, rest, body in (
        *(("GET", rest, None) for rest in ("", "/members", "/invitations", "/teams", "/usage")),
        ("PATCH", "", {"name": "mine"}),
        ("DELETE", "", None),
        ("POST", "/transfer", {"userId": dee.id}),
        ("POST", "/teams", {"name": "mine"}),
        ("POST", "/invitations", {"email": dee.email}),
        ("PATCH", f"/members/{dee.id}", {"role": "admin"}),
        ("DELETE", f"/members/{ben.id}", None),
    ):
        refused(dee.http.request(method, of(firm) + rest, json=body), 404, "not_found")
        refused(anyone.request(method, of(firm) + rest, json=body), 401, "unauthenticated")
        if (method, rest) not in (("GET", ""), ("GET", "/members"), ("GET", "/teams")):
            refused(cal.http.request(method, of(firm) + rest, json=body), 403, "forbidden")


def test_an_invitation_is_found_in_the_app_or_used_by_its_token_once(ann, dee, service):
    firm, other = found_organization(ann, "Second"), Person(service, "eve")
    made = invited(firm, ann, dee.email.upper(), "editor")
    pending = expect(ann.http.get(f"{of(firm)}/invitations"), 200)["invitations"]
    assert [it["token"] for it in pending] == [made["token"]]
    assert dee.email not in str(pending).lower()
    (found,) = expect(dee.http.get("/v1/invitations"), 200)["invitations"]
    assert (found["orgName"], found["role"]) == ("Second", "editor")
    assert "token" not in found
    path = f"/v1/invitations/{found['invitationId']}"
    refused(other.http.post(f"{path}/accept"), 404, "not_found")
    refused(other.http.delete(path), 404, "not_found")

    assert expect(dee.http.post(f"{path}/accept"), 200)["role"] == "editor"

    assert expect(dee.http.get("/v1/invitations"), 200)["invitations"] == []
    token = {"token": made["token"]}
    refused(other.http.post("/v1/invitations/accept", json=token), 409, "invitation_over")
    later = invited(firm, ann, "nobody@example.org")["token"]
    tampered = {"token": later[:-1] + ("0" if later[-1] != "0" else "1")}
    refused(other.http.post("/v1/invitations/accept", json=tampered), 404, "not_found")
    for nonsense in ("", "x", "org_x.inv_x.tok_x", later.replace("inv_", "img_")):
        token = {"token": nonsense}
        refused(other.http.post("/v1/invitations/accept", json=token), 404, "not_found")
    joined = expect(other.http.post("/v1/invitations/accept", json={"token": later}), 200)
    assert joined["orgId"] == firm["orgId"]


def test_an_invitation_is_withdrawn_or_declined(ann, service):
    firm, person = found_organization(ann, "Third"), Person(service, "fay")
    first = invited(firm, ann, person.email)
    path = f"{of(firm)}/invitations/{first['invitationId']}"
    assert ann.http.delete(path).status_code == 204
    refused(ann.http.delete(path), 404, "not_found")
    token = {"token": first["token"]}
    refused(person.http.post("/v1/invitations/accept", json=token), 409, "invitation_over")

    second = invited(firm, ann, person.email)
    assert person.http.delete(f"/v1/invitations/{second['invitationId']}").status_code == 204
    assert expect(ann.http.get(f"{of(firm)}/invitations"), 200)["invitations"] == []


def test_roles_change_but_the_owner_stays_until_ownership_is_transferred(ann, ben, cal, service):
    firm = found_organization(ann, "Fourth")
    join(firm, ann, ben, "admin")
    join(firm, ann, cal, "viewer")
    change = f"{of(firm)}/members"
    expect(ben.http.patch(f"{change}/{cal.id}", json={"role": "editor"}), 200)
    assert members(cal, firm)[cal.id] == "editor"
    refused(ben.http.patch(f"{change}/{ann.id}", json={"role": "viewer"}), 409, "owner_must_stay")
    refused(ben.http.patch(f"{change}/{ben.id}", json={"role": "owner"}), 409, "conflict")
    refused(ben.http.delete(f"{change}/{ann.id}"), 409, "owner_must_stay")
    refused(ann.http.delete(f"{change}/{ann.id}"), 409, "owner_must_stay")
    refused(ben.http.post(f"{of(firm)}/transfer", json={"userId": ben.id}), 403, "forbidden")
    refused(ben.http.delete(of(firm)), 403, "forbidden")

    shown = expect(ann.http.post(f"{of(firm)}/transfer", json={"userId": ben.id}), 200)

    assert shown["role"] == "admin"
    assert members(cal, firm)[ben.id] == "owner"
    assert ann.http.delete(f"{change}/{ann.id}").status_code == 204
    refused(ann.http.get(of(firm)), 404, "not_found")
    assert ben.http.delete(f"{change}/{cal.id}").status_code == 204
    refused(cal.http.get(of(firm)), 404, "not_found")


def test_what_is_uploaded_to_a_teams_album_is_the_organizations(ann, ben, cal, dee, firm, dot):
    team = new_team(ben, firm)
    assign(ben, team, cal, "uploader")
    album = new_album(ann, "Work", teamId=team["teamId"])
    assert (album["ownerId"], album["teamId"]) == (firm["orgId"], team["teamId"])
    before = cal.usage

    one = cal.upload(dot, albumId=album["albumId"])
    form = {"file": ("form.png", dot)}
    two = expect(cal.http.post("/v1/images", files=form, data={"albumId": album["albumId"]}), 201)
    promise = {"filename": "p.png", "size": len(dot), "contentType": "image/png"}
    ticket = expect(cal.http.post("/v1/uploads", json=promise | {"albumId": album["albumId"]}), 201)
    cal.put(ticket, dot)
    three = expect(cal.finalize(ticket), 201)

    for image in (one, two, three):
        assert (image["ownerId"], image["uploaderId"]) == (firm["orgId"], cal.id)
        assert image["albumIds"] == [album["albumId"]]
        path = f"/v1/images/{image['imageId']}"
        for person in (ann, ben, cal):
            assert person.http.get(f"/images/{image['imageId']}").content == dot
        refused(dee.http.get(path), 403, "forbidden")
        refused(cal.http.patch(path, json={"title": "x"}), 403, "forbidden")
        refused(cal.http.delete(path), 403, "forbidden")
    after = cal.usage
    assert after["storageBytes"] == before["storageBytes"]
    assert after["reservedBytes"] == before["reservedBytes"]
    usage = expect(ben.http.get(f"{of(firm)}/usage"), 200)
    assert (usage["storageBytes"], usage["reservedBytes"]) == (3 * len(dot), 0)
    assert inside(cal.http, album) == ids(one, two, three)
    listed = expect(ann.http.get("/v1/images", params={"org": firm["orgId"]}), 200)
    assert listed["total"] == 3

    path = f"/v1/images/{one['imageId']}"
    assert expect(ben.http.patch(path, json={"title": "Ours"}), 200)["title"] == "Ours"
    expect(ben.http.delete(path), 200)
    trash = {"status": "deleted", "org": firm["orgId"]}
    assert expect(ben.http.get("/v1/images", params=trash), 200)["total"] == 1
    assert expect(cal.http.get("/v1/images", params=trash), 200)["total"] == 0
    expect(ben.http.post(f"{path}/restore"), 200)
    events = expect(ben.http.get(f"{path}/history"), 200)["events"]
    assert "image.upload-transferred" in [it["type"] for it in events]
    refused(cal.http.get(f"{path}/history"), 404, "not_found")
    explained = expect(ben.http.get(f"{path}/access"), 200)["grants"]
    assert {it["userId"]: it["via"] for it in explained if it["via"] == "role"} == {
        ann.id: "role",
        ben.id: "role",
    }
    (named,) = [it for it in explained if it["via"] == "album-role" and it["userId"] == cal.id]
    assert [it["type"] for it in named["because"]] == [
        "image.added-to-album",
        "album.created",
        "organization.team-member-added",
    ]
    body = {"action": "tag", "imageIds": ids(one, two), "tags": ["ours"]}
    answer = expect(ben.http.post("/v1/images/bulk", json=body), 200)
    assert [it["status"] for it in answer["results"]] == [200, 200]
    answer = expect(cal.http.post("/v1/images/bulk", json=body | {"tags": ["x"]}), 200)
    assert [it["status"] for it in answer["results"]] == [403, 403]

    assert ben.http.delete(f"/v1/teams/{team['teamId']}/members/{cal.id}").status_code == 204
    refused(cal.http.get(f"/images/{two['imageId']}"), 403, "forbidden")
    refused(cal.http.get(at(album)), 404, "not_found")
    refused(cal.http.get(f"/v1/teams/{team['teamId']}"), 404, "not_found")
    ticket = cal.initiate(dot)
    cal.put(ticket, dot)
    refused(cal.finalize(ticket, albumId=album["albumId"]), 404, "not_found")


def test_each_role_in_a_team(service, dot):
    owner, person = Person(service, "gil"), Person(service, "hal")
    firm = found_organization(owner)
    join(firm, owner, person)
    team = new_team(owner, firm)
    album = new_album(owner, "Work", teamId=team["teamId"])
    image = owner.upload(dot, albumId=album["albumId"])
    path = f"/v1/images/{image['imageId']}"
    may = {
        "viewer": {"see"},
        "uploader": {"see", "upload"},
        "editor": {"see", "upload", "edit"},
        "admin": {"see", "upload", "edit", "manage"},
    }
    refused(person.http.get(path), 403, "forbidden")
    for role, done in may.items():
        assign(owner, team, person, role)
        form = {"files": {"file": ("a.png", dot)}, "data": {"albumId": album["albumId"]}}
        tried = {
            "see": person.http.get(path),
            "upload": person.http.post("/v1/images", **form),
            "edit": person.http.patch(path, json={"title": role}),
            "manage": person.http.patch(at(album), json={"visibility": "unlisted"}),
        }
        assert {name for name, answer in tried.items() if answer.is_success} == done, role
        refused(person.http.delete(path), 403, "forbidden")
        made = person.http.post("/v1/albums", json={"title": "x", "teamId": team["teamId"]})
        assert made.is_success == ("edit" in done), (role, made.text)


def test_a_team_is_led_by_its_administrators(ann, ben, cal, firm, service):
    team = new_team(ann, firm, "Led")
    assign(ann, team, cal, "admin")
    path = f"/v1/teams/{team['teamId']}"
    assert expect(cal.http.get(path), 200)["role"] == "admin"
    expect(cal.http.patch(path, json={"name": "Led well"}), 200)
    assert expect(ann.http.get(path), 200)["name"] == "Led well"
    assign(cal, team, ben, "viewer")
    found = expect(cal.http.get(f"{path}/members"), 200)["members"]
    assert {it["userId"]: it["role"] for it in found} == {cal.id: "admin", ben.id: "viewer"}
    outsider = Person(service, "ivy")
    body = {"role": "viewer"}
    refused(cal.http.put(f"{path}/members/{outsider.id}", json=body), 404, "not_found")
    refused(cal.http.put(f"{path}/members/{ben.id}", json={"role": "owner"}), 409, "conflict")
    refused(cal.http.delete(path), 403, "forbidden")
    assert cal.http.delete(f"{path}/members/{cal.id}").status_code == 204
    refused(cal.http.get(path), 404, "not_found")
    assert ann.http.delete(path).status_code == 204
    refused(ann.http.get(path), 404, "not_found")


def test_who_is_deleted_takes_everything_along(service, dot):
    owner, member = Person(service, "jan"), Person(service, "kim")
    firm = found_organization(owner, "Doomed")
    join(firm, owner, member, "viewer")
    team = new_team(owner, firm)
    assign(owner, team, member, "uploader")
    album = new_album(owner, "Doomed", teamId=team["teamId"])
    image = member.upload(dot, albumId=album["albumId"], visibility="public")
    refused(
        owner.http.request("DELETE", "/v1/me", json={"password": PASSWORD}),
        409,
        "owner_must_stay",
    )

    answer = expect(owner.http.delete(of(firm)), 202)

    for person in (owner, member):
        refused(person.http.get(of(firm)), 404, "not_found")
        refused(person.http.get(at(album)), 404, "not_found")
    refused(member.http.get(f"/v1/teams/{team['teamId']}"), 404, "not_found")
    eventually(lambda: httpx.get(answer["receiptUrl"]).json()["complete"])
    receipt = httpx.get(answer["receiptUrl"]).json()
    removed = {it["where"]: it["count"] for it in receipt["removed"]}
    assert (receipt["orgId"], removed["images"], removed["albums"]) == (firm["orgId"], 1, 1)
    refused(member.http.get(f"/v1/images/{image['imageId']}"), 404, "not_found")
    assert expect(member.http.get("/v1/orgs"), 200)["orgs"] == []


def test_its_history_is_told_to_who_governs_it(ann, ben, cal, service):
    owner = Person(service, "ned")
    firm = found_organization(owner, "Before")
    join(firm, owner, cal, "editor")
    expect(owner.http.patch(of(firm), json={"name": "After"}), 200)

    events = expect(owner.http.get(f"{of(firm)}/history"), 200)["events"]

    assert [it["type"] for it in events] == [
        "organization.created",
        "organization.member-invited",
        "organization.member-joined",
        "organization.renamed",
    ]
    assert events[2]["data"]["accountId"] == cal.id
    assert cal.email not in str(events)
    at = {"at": events[2]["position"]}
    then = expect(owner.http.get(f"{of(firm)}/history", params=at), 200)["org"]
    assert (then["name"], then["members"][cal.id]) == ("Before", "editor")
    refused(cal.http.get(f"{of(firm)}/history"), 403, "forbidden")
    refused(ben.http.get(f"{of(firm)}/history"), 404, "not_found")


def test_who_brought_an_image_and_left_is_not_shown_what_became_of_it(service, dot):
    owner, member = Person(service, "ida"), Person(service, "ugo")
    firm = found_organization(owner)
    join(firm, owner, member, "viewer")
    team = new_team(owner, firm)
    assign(owner, team, member, "uploader")
    album = new_album(owner, "Kept", teamId=team["teamId"])
    ticket = member.initiate(dot)
    member.put(ticket, dot)
    image = expect(member.finalize(ticket, albumId=album["albumId"]), 201)
    path = f"/v1/images/{image['imageId']}"
    expect(owner.http.patch(path, json={"title": "Secret"}), 200)
    assert expect(member.finalize(ticket), 200)["title"] == "Secret"

    assert member.http.delete(f"{of(firm)}/members/{member.id}").status_code == 204

    refused(member.finalize(ticket), 403, "forbidden")
    body = {"images": [{"uploadId": ticket["uploadId"]}]}
    again = member.http.post("/v1/images/batch", json=body)
    assert "Secret" not in again.text
    expect(owner.http.patch(path, json={"visibility": "public"}), 200)
    assert expect(member.finalize(ticket), 200)["title"] == "Secret"


def test_whose_account_is_erased_leaves(service, dot):
    owner, member = Person(service, "oda"), Person(service, "pia")
    firm = found_organization(owner)
    join(firm, owner, member, "viewer")
    team = new_team(owner, firm)
    assign(owner, team, member, "uploader")
    album = new_album(owner, "Kept", teamId=team["teamId"])
    image = member.upload(dot, albumId=album["albumId"])

    password = {"password": PASSWORD}
    answer = expect(member.http.request("DELETE", "/v1/me", json=password), 202)
    old = {"refreshToken": member.tokens["refreshToken"]}
    refused(service.client().post("/v1/auth/refresh", json=old), 401, "unauthenticated")
    eventually(lambda: httpx.get(answer["receiptUrl"]).json()["complete"])

    assert list(members(owner, firm)) == [owner.id]
    assert expect(owner.http.get(f"/v1/teams/{team['teamId']}/members"), 200)["members"] == []
    assert owner.http.get(f"/images/{image['imageId']}").content == dot, "the organization's"


def test_an_account_owns_only_so_many(service):
    person = Person(service, "lou")
    for number in range(5):
        found_organization(person, f"No. {number}")
    body = {"name": "No. 6"}
    problem = refused(person.http.post("/v1/orgs", json=body), 422, "too_many_organizations")
    assert problem["limit"] == 5
