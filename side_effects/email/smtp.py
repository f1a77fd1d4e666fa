"""How mail leaves: over SMTP, to an address fetched when it is sent and kept nowhere here.

A mail server has no idempotency key: a crash after it took a mail and before that was recorded
sends the mail a second time, under the same Message-ID.
"""

import asyncio
from dataclasses import dataclass, field
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiosmtplib

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import ContactId, CustomerId
from contracts.runtime.contacts import Contact
from side_effects.email.kinds import CONFIRMED
from side_effects.email.rendering import rendered

SENDER = "orders@concerto.example"
CONNECTIONS = 8


@dataclass(frozen=True, kw_only=True)
class Mail(Intent):
    """A mail to a contact: of which kind, about what, and what its template is to say."""

    attempts: ClassVar[int] = 20
    at_once: ClassVar[int] = 2 * CONNECTIONS  # half of them wait for a connection, all written
    contact_id: ContactId
    customer_id: CustomerId
    about: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


async def send(mail: Mail, outside: Outside) -> Outcome:
    """Hand the mail to the mail server; a refused address is final, an outage is tried again."""
    contact = await outside.contacts.get(mail.contact_id)
    if not contact.email:
        return Refused(reason="the contact has no address any more")
    message = _message(mail, contact)
    async with _line(outside.settings.smtp_url) as client:
        try:
            await client.send_message(message)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPSenderRefused) as error:
            return _refused(error)
        except aiosmtplib.SMTPReadTimeoutError as error:
            return Unsure(reason=f"the mail server did not say whether it took it: {error}")
    return Done()


class _Line:
    """One of a few connections to a mail server, opened when needed."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._free: asyncio.LifoQueue[aiosmtplib.SMTP] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(
                aiosmtplib.SMTP(
                    hostname=address.hostname,
                    port=address.port,
                    username=address.username,
                    password=address.password,
                    timeout=5,
                )
            )
        self._taken: dict[asyncio.Task[object] | None, aiosmtplib.SMTP] = {}

    async def __aenter__(self) -> aiosmtplib.SMTP:
        client = await self._free.get()
        self._taken[asyncio.current_task()] = client
        try:
            if not client.is_connected:
                await client.connect()
        except BaseException:
            self._give_back()
            raise
        return client

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        client = self._taken[asyncio.current_task()]
        if kind and client.is_connected:
            client.close()
        self._give_back()

    def _give_back(self) -> None:
        self._free.put_nowait(self._taken.pop(asyncio.current_task()))


@cache
def _line(url: str) -> _Line:
    return _Line(url)


def _message(mail: Mail, contact: Contact) -> MIMEMultipart:
    """Text and HTML; the older classes take a third of the time that EmailMessage takes to parse
    what it is given. A header with a line break in it is refused when it is sent."""
    said = rendered(mail.kind, name=contact.name, order_id=mail.about, **mail.data)
    message = MIMEMultipart("alternative")
    message["From"] = SENDER
    message["To"] = contact.email
    message["Subject"] = said.title
    message["Message-ID"] = f"<{mail.key}@concerto.example>"
    if mail.kind == CONFIRMED:
        message["X-Order"] = mail.about
    message.attach(MIMEText(said.text, "plain", "utf-8"))
    message.attach(MIMEText(said.html, "html", "utf-8"))
    return message


def _refused(
    error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPSenderRefused,
) -> Outcome:
    codes = (
        [refused.code for refused in error.recipients]
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused)
        else [error.code]
    )
    if all(code >= 500 for code in codes):
        return Refused(reason=f"the mail server refuses the address ({codes[0]})")
    raise error
