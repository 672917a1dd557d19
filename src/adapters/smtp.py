"""The Mailer port: SMTP, or a folder where there is no server."""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import structlog

from commands.erasure import Erasure
from commands.mail import Mail, MailRefused
from domain.refusals import Unavailable

TIMEOUT = 20.0

_log = structlog.get_logger()


class SmtpMailer:
    """`smtp://user:password@host:587` (STARTTLS where it is offered; with credentials always), or
    `smtps://host:465`."""

    def __init__(self, url: str, sender: str, *, trust: ssl.SSLContext | None = None) -> None:
        self._url = urlsplit(url)
        self._sender = sender
        self._trust = trust or ssl.create_default_context()

    async def send(self, mail: Mail) -> None:
        message = composed(mail, self._sender)
        try:
            await asyncio.to_thread(self._deliver, message)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            raise MailRefused(_said(error)) from error
        except smtplib.SMTPResponseException as error:
            if 500 <= error.smtp_code < 600 and isinstance(error, smtplib.SMTPDataError):
                raise MailRefused(_said(error)) from error
            raise Unavailable(dependency="mail", reason=_said(error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(dependency="mail", reason=_said(error)) from error

    def _deliver(self, message: EmailMessage) -> None:
        with self._connected() as server:
            server.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        url, host = self._url, self._url.hostname or "localhost"
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, url.port or 465, timeout=TIMEOUT, context=self._trust
            )
        else:
            server = smtplib.SMTP(host, url.port or 587, timeout=TIMEOUT)
            server.ehlo()
            if url.username or server.has_extn("starttls"):
                server.starttls(context=self._trust)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        return server


class FolderMailer:
    """Each mail a file, for whoever runs Darkroom without a mail server.

    They lie beside our data, so an erasure visits them: as a place, it is called `mail`.
    """

    name = "mail"

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        file = self._folder / f"{mail.account_id.hex}-{uuid4().hex}.eml"
        await asyncio.to_thread(_written, file, composed(mail, self._sender).as_bytes)
        _log.warning("no mail server is set: the mail lies in a folder", file=str(file))

    async def clear(self, erasure: Erasure) -> int:
        return await asyncio.to_thread(_removed, self._folder, f"{erasure.subject.hex}-*")


def composed(mail: Mail, sender: str) -> EmailMessage:
    """Text and HTML, each whole."""
    own = parseaddr(sender)[1]
    local, _, domain = mail.to.rpartition("@")
    plain = (mail.to + sender).isascii()
    message = EmailMessage(policy=SMTP if plain else SMTPUTF8)
    message["From"] = sender
    message["To"] = Address(username=local, domain=domain)  # quoted where it must be
    message["Subject"] = mail.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=own.partition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _written(file: Path, content: Callable[[], bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_bytes(content())
    new.rename(file)


def _removed(folder: Path, pattern: str) -> int:
    files = list(folder.glob(pattern))
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def _said(error: Exception) -> str:
    """Without addresses: this is logged."""
    return type(error).__name__
