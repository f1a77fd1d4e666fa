"""A mail inbox: takes every mail over SMTP and shows it over HTTP.

The common switches hold for SMTP too: `down` and `fail_rate` answer 421, `delay_seconds` and
`silent` make the sender wait. `refuse` is a text in the address that is refused with 550;
`lose_answers` takes the mail and never says so.
"""

import argparse
import asyncio
import email
import email.message
from collections.abc import AsyncIterator
from email.header import decode_header, make_header
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP

from deploy.simulators.simulator import Simulator, never, serve


class Inbox:
    """Keeps every mail it took."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:
        """Take the recipient unless a switch says otherwise."""
        if await self._simulator.hindered():
            return "421 closed for now"
        refused = self._simulator.faults["refuse"]
        if refused and refused in address:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        """Take the mail."""
        mail = email.message_from_bytes(envelope.content)
        self._simulator.record(
            message_id=mail["Message-ID"],
            to=envelope.rcpt_tos,
            subject=str(make_header(decode_header(mail["Subject"] or ""))),
            order_id=mail["X-Order"],
            text=_text(mail),
        )
        if self._simulator.faults["lose_answers"]:
            await never()
        return "250 taken"


def _text(mail: email.message.Message) -> str:
    """The plain text of a mail; the older policy reads it in a tenth of the time."""
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            text = part.get_payload(decode=True)
            return text.decode("utf-8", "replace") if isinstance(text, bytes) else ""
    return ""


def make(options: argparse.Namespace) -> web.Application:
    """The HTTP app; SMTP is served beside it."""
    simulator = Simulator(options.data, refuse="", lose_answers=False)
    app = simulator.app()

    async def smtp(_: web.Application) -> AsyncIterator[None]:
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(Inbox(simulator), enable_SMTPUTF8=True), "127.0.0.1", options.smtp_port
        )
        yield
        server.close()

    app.cleanup_ctx.append(smtp)
    return app


if __name__ == "__main__":
    serve("A mail inbox", make)
