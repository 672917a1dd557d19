"""Where mail goes out, an address is whose mailbox it is, not whose account was there first."""

import email
import re
import secrets
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from tests.api.test_organizations import found_organization, invited, members
from tests.people import Person, eventually, expect, refused, sample
from tests.service import Service, free_port

PNG = sample("valid/sharp__2x2_fdcce6.png")


class Inbox:
    """All that was sent to whomever."""

    def __init__(self) -> None:
        self.letters = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.letters.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def token(self, address: str, subject: str) -> str:
        def found():
            return [it for it in self.letters if (it["to"], it["subject"]) == (address, subject)]

        eventually(lambda: bool(found()), within=20)
        text = found()[-1].get_body(("plain",)).get_content()
        return re.search(r"\?token=([\w-]+)", text)[1]


@pytest.fixture(scope="module")
def inbox():
    return Inbox()


@pytest.fixture(scope="module")
def mailing(tmp_path_factory, inbox):
    server = Controller(inbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    server.start()
    running = Service(
        tmp_path_factory.mktemp("mailing") / "data",
        DARKROOM_SMTP_URL=f"smtp://127.0.0.1:{server.port}",
    )
    running.start()
    yield running
    running.stop()
    server.stop()


@pytest.fixture
def founder(mailing):
    return Person(mailing, "founder")


@pytest.fixture
def squatter(mailing):
    """Signed up with an address before whoever reads what is sent to it."""
    return Person(mailing, "squatter", f"{secrets.token_hex(5)}@example.org")


def invitations(person):
    return expect(person.http.get("/v1/invitations"), 200)["invitations"]


def test_who_signed_up_with_anothers_address_gets_nothing_by_it(founder, squatter):
    image = founder.upload(PNG)["imageId"]
    firm = found_organization(founder)
    made = invited(firm, founder, squatter.email, "admin")

    assert invitations(squatter) == []
    by_id = f"/v1/invitations/{made['invitationId']}/accept"
    refused(squatter.http.post(by_id), 404, "not_found")
    lent = {"expiresIn": 600, "sharedWith": squatter.email, "permissions": ["view"]}
    answer = founder.http.post(f"/v1/images/{image}/share", json=lent)
    assert refused(answer, 422, "validation")["errors"][0]["field"] == "sharedWith"
    refused(squatter.http.get(f"/v1/images/{image}"), 403, "forbidden")
    assert members(founder, firm) == {founder.id: "owner"}

    body = {"token": made["token"]}
    expect(squatter.http.post("/v1/invitations/accept", json=body), 200)  # who reads the mail


def test_who_has_shown_that_it_is_theirs_is_meant_by_it(inbox, founder, squatter):
    confirming = inbox.token(squatter.email, "Is this your address?")
    answer = squatter.http.post("/v1/auth/verify-email", json={"token": confirming})
    assert answer.status_code == 204
    image = founder.upload(PNG)["imageId"]
    made = invited(found_organization(founder), founder, squatter.email, "admin")

    (found,) = invitations(squatter)
    assert found["invitationId"] == made["invitationId"]
    expect(squatter.http.post(f"/v1/invitations/{made['invitationId']}/accept"), 200)
    lent = {"expiresIn": 600, "sharedWith": squatter.email, "permissions": ["view"]}
    expect(founder.http.post(f"/v1/images/{image}/share", json=lent), 201)
    founder.developed({"imageId": image})
    expect(squatter.http.get(f"/v1/images/{image}"), 200)
