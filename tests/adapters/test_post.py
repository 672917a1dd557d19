"""Mail, from the wish to the server: a real SMTP server, with and without TLS, that may say no."""

import asyncio
import email
import re
import ssl
from email.policy import default
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from adapters.letters import PostgresLetters, PostgresMailTokens
from adapters.sealing import Sealer
from adapters.smtp import FolderMailer, SmtpMailer
from bootstrap import letters
from commands.accounts import SignUp, sign_up
from commands.mail import Letter, Mail, MailRefused, Occasion
from domain import account
from domain.account import Identity
from domain.refusals import TokenSpent, Unavailable
from projections.post import Postman
from tests.certificate import certificate
from tests.commands.memory import MemoryPasswords
from tests.service import free_port
from tests.spec import OWNER, STRANGER

SENDER = "Darkroom <darkroom@example.org>"
MAIL = Mail(
    to="ann@example.org",
    account_id=OWNER,
    subject="Grüße",
    text="Hello\n.\nÄ",
    html="<p>Hello</p>",
)


class Inbox:
    """What the server took; `answers` come first."""

    def __init__(self):
        self.taken = []
        self.answers = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.answers:
            return self.answers.pop(0)
        self.taken.append((envelope, session.ssl is not None))
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("unknown"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def message(self):
        (envelope, _) = self.taken[-1]
        return email.message_from_bytes(envelope.content, policy=default)


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def server(inbox):
    """Without TLS and credentials."""
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@pytest.fixture
async def post(core, server):
    """A postman, and the box he empties."""
    box, tokens = letters(core), PostgresMailTokens(core.database)
    postman = Postman(
        box,
        SmtpMailer(server, SENDER),
        tokens,
        store=core.store,
        hasher=core.key,
        public_url="https://darkroom.example",
    )
    return postman, box, tokens


async def signed_up(core, box, identity=None):
    await sign_up(
        SignUp(
            identity=identity or Identity(username="ann", email="Ann@example.org"),
            password="secret",
            account_id=OWNER,
        ),
        store=core.store,
        passwords=MemoryPasswords(),
        hasher=core.key,
        letters=box,
        new_id=uuid4,
        plan="free",
        quota_bytes=10,
    )


def link(inbox, kind="plain"):
    body = inbox.message().get_body((kind,)).get_content()
    return re.search(r"https://darkroom\.example/account/(\w+)\?token=([\w-]+)", body).groups()


async def test_who_signs_up_gets_a_link_that_proves_the_address(core, inbox, post):
    postman, box, tokens = post
    await signed_up(core, box)

    assert await postman.work() == 1

    message = inbox.message()
    assert (message["to"], message["from"]) == ("Ann@example.org", SENDER)
    assert link(inbox) == link(inbox, "html")
    page, token = link(inbox)
    assert page == "verify"
    with pytest.raises(TokenSpent):
        await tokens.redeem(token, Occasion.RESET)
    assert await tokens.redeem(token, Occasion.VERIFY) == OWNER
    with pytest.raises(TokenSpent):
        await tokens.redeem(token, Occasion.VERIFY)
    assert await postman.work() == 0


async def test_a_reset_goes_to_the_address_on_file_whatever_was_typed(core, inbox, post):
    """Letters that look alike, or fold to the same, may lead to another's mailbox."""
    postman, box, _ = post
    await signed_up(core, box)
    await postman.work()

    typed = "\uff41nn@EXAMPLE.org"
    await box.post(Letter(id=uuid4(), occasion=Occasion.RESET, address=typed))
    await postman.work()

    assert inbox.taken[-1][0].rcpt_tos == ["Ann@example.org"]
    assert link(inbox)[0] == "reset"


async def test_nobody_gets_no_mail(core, inbox, post):
    postman, box, _ = post
    await box.post(Letter(id=uuid4(), occasion=Occasion.RESET, address="nobody@example.org"))

    assert await postman.work() == 1
    assert (inbox.taken, await postman.work()) == ([], 0)


async def test_a_newer_link_makes_the_older_one_worthless(core, inbox, post):
    postman, box, tokens = post
    await signed_up(core, box)
    for _ in range(2):
        await box.post(Letter(id=uuid4(), occasion=Occasion.RESET, address="ann@example.org"))
        await postman.work()
    older, newer = (
        re.search(rb"token=3?D?([\w-]+)", envelope.content.replace(b"=\r\n", b""))[1].decode()
        for envelope, _ in inbox.taken[-2:]
    )

    with pytest.raises(TokenSpent):
        await tokens.redeem(older, Occasion.RESET)
    assert await tokens.redeem(newer, Occasion.RESET) == OWNER


async def test_what_cannot_be_sent_now_is_sent_later_and_what_never_can_is_not(core, inbox, post):
    postman, box, _ = post
    inbox.answers = ["451 later", "554 never"]
    await signed_up(core, box)

    async def again():
        async with core.database.connection() as connection:
            await connection.execute("update secrets.letters set not_before = now()")
        return await postman.work()

    assert await postman.work() == 1
    assert await postman.work() == 0, "not at once"
    assert await again() == 1
    assert await again() == 0, "given up"
    assert inbox.taken == []


async def test_two_postmen_send_a_letter_once(core, inbox, post):
    postman, box, _ = post
    await signed_up(core, box)

    await asyncio.gather(*(postman.work() for _ in range(5)))

    assert len(inbox.taken) == 1


async def test_names_are_text_and_nothing_else(core, inbox, post):
    postman, box, _ = post
    await signed_up(core, box, Identity(username="<b>$name", email='a"b,c@example.org'))

    await postman.work()

    assert inbox.taken[-1][0].rcpt_tos == ['"a\\"b,c"@example.org']
    assert "&lt;b&gt;$name" in inbox.message().get_body(("html",)).get_content()
    assert "Hello <b>$name," in inbox.message().get_body(("plain",)).get_content()


async def test_who_reads_the_database_finds_no_address_and_no_token(core, inbox, post):
    postman, box, _ = post
    await signed_up(core, box)
    rows = str(await core.database.rows("select l::text from secrets.letters l"))
    assert b"ann".hex() not in rows.lower()
    await postman.work()

    rows = str(await core.database.rows("select t::text from secrets.mail_tokens t"))
    assert link(inbox)[1] not in rows
    assert link(inbox)[1].encode().hex() not in rows


async def test_an_expired_link_is_none(core):
    tokens = PostgresMailTokens(core.database)
    token = await tokens.make(STRANGER, Occasion.RESET)
    async with core.database.connection() as connection:
        await connection.execute("update secrets.mail_tokens set expires_at = now()")

    with pytest.raises(TokenSpent):
        await tokens.redeem(token, Occasion.RESET)
    box = PostgresLetters(core.database, Sealer(bytes(32)))
    await box.sweep()
    assert await core.database.rows("select 1 from secrets.mail_tokens") == []


async def test_an_unknown_recipient_is_refused_for_good(server):
    with pytest.raises(MailRefused):
        await SmtpMailer(server, SENDER).send(
            Mail(to="unknown@example.org", account_id=OWNER, subject="", text="", html="")
        )


async def test_text_arrives_as_it_is(server, inbox):
    await SmtpMailer(server, SENDER).send(MAIL)

    message = inbox.message()
    assert message["subject"] == MAIL.subject
    assert message.get_body(("plain",)).get_content().splitlines() == MAIL.text.splitlines()
    assert message.get_body(("html",)).get_content().strip() == MAIL.html
    assert message["auto-submitted"] == "auto-generated"


async def test_without_a_server_mail_waits():
    with pytest.raises(Unavailable):
        await SmtpMailer("smtp://127.0.0.1:1", SENDER).send(MAIL)


async def test_credentials_go_over_tls_only(inbox, tmp_path):
    cert, key = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    asked = []

    def authenticator(server, session, envelope, mechanism, data):
        asked.append((data.login, data.password))
        return AuthResult(success=data.password == b"p:w")

    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=tls,
        authenticator=authenticator,
        auth_required=True,
    )
    controller.start()
    try:
        trust = ssl.create_default_context(cafile=cert)
        url = f"smtp://user:p%3Aw@127.0.0.1:{controller.port}"
        await SmtpMailer(url, SENDER, trust=trust).send(MAIL)
        with pytest.raises(Unavailable):
            await SmtpMailer(url.replace("p%3Aw", "no"), SENDER, trust=trust).send(MAIL)
        with pytest.raises(Unavailable):
            await SmtpMailer(url, SENDER).send(MAIL)  # nobody vouches for the certificate
    finally:
        controller.stop()

    assert asked == [(b"user", b"p:w"), (b"user", b"no")]
    assert [encrypted for _, encrypted in inbox.taken] == [True]


async def test_without_a_server_each_mail_is_a_file(tmp_path):
    await FolderMailer(tmp_path / "mail", SENDER).send(MAIL)

    (file,) = (tmp_path / "mail").iterdir()
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    assert (message["to"], message["subject"]) == (MAIL.to, MAIL.subject)


def test_only_the_account_says_whether_an_address_is_confirmed():
    opened = account.AccountRegistered(plan="free", quota_bytes=1, personal=None)
    state = account.evolve(account.evolve(None, opened), account.EmailVerified())
    assert account.verify_email(state) == []
