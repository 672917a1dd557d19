"""What people are told by mail of what others did, as far as they want it."""

import secrets

from tests.api.test_organizations import found_organization, invited
from tests.people import PASSWORD, Person, eventually, expect, letter
from tests.service import Service

NEW = "Somebody signed in from somewhere new"


def sign_in(service: Service, person: Person, agent: str) -> None:
    entry = {"email": person.email, "password": PASSWORD}
    http = service.client()
    expect(http.post("/v1/auth/login", json=entry, headers={"User-Agent": agent}), 200)


def mails(service: Service, address: str, subject: str) -> int:
    files = [it.read_text(errors="replace") for it in (service.data / "mail").glob("*.eml")]
    return sum(f"To: {address}" in it and f"Subject: {subject}" in it for it in files)


def test_a_sign_in_from_somewhere_new_is_told_once(service):
    person = Person(service, "home")
    sign_in(service, person, "Phone")
    told = letter(service, person.email, NEW)
    assert "Phone" in told
    assert "127.0.0.1" in told

    for agent in ("Phone", "Phone"):
        sign_in(service, person, agent)
    sign_in(service, person, "Watch")

    eventually(lambda: mails(service, person.email, NEW) == 2)


def test_who_does_not_want_it_is_not_told(service):
    person = Person(service, "quiet")
    expect(person.http.patch("/v1/me", json={"notify": {"sign_in.mail": False}}), 200)
    sign_in(service, person, "Phone")
    eventually(lambda: "Phone" in person.http.get("/v1/notifications").text)
    expect(person.http.patch("/v1/me", json={"notify": {"sign_in.mail": True}}), 200)
    sign_in(service, person, "Watch")

    assert "Watch" in letter(service, person.email, NEW)
    assert mails(service, person.email, NEW) == 1


def test_an_invitation_comes_by_mail_with_what_accepts_it(service):
    founder, address = Person(service, "founder"), f"{secrets.token_hex(5)}@example.org"
    firm = found_organization(founder, "Lens & Co")
    token = invited(firm, founder, address, "editor")["token"]

    told = letter(service, address, "You are invited to Lens & Co")

    assert token in told.replace("\n", "")
    assert "editor" in told
    whom = Person(service, "guest", address)
    expect(whom.http.post("/v1/invitations/accept", json={"token": token}), 200)
