"""An SMTP server in this process that answers as it is told and keeps what it took."""

import email
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller

from deploy.local.servers import free_port
from side_effects.email import smtp


class Server:
    """An SMTP server that answers as it is told."""

    def __init__(self) -> None:
        self.answer = "250 OK"
        self.taken: list[Any] = []

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, to: str, ___: Any) -> str:
        """Answer to the recipient as told."""
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(to)
        return self.answer

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        """Keep the mail."""
        self.taken.append(envelope)
        return "250 taken"

    def mails(self) -> list[Message]:
        """What was taken, as mails."""
        return [email.message_from_bytes(taken.content) for taken in self.taken]


def parts(mail: Message) -> dict[str, str]:
    """The parts of a mail by content type."""
    found = {}
    for part in mail.walk():
        body = part.get_payload(decode=True)
        if isinstance(body, bytes):
            found[part.get_content_type()] = body.decode()
    return found


@contextmanager
def mailbox() -> Iterator[tuple[Server, str]]:
    """The server and its address while the block lasts."""
    server, port = Server(), free_port()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield server, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()
        smtp._line.cache_clear()
