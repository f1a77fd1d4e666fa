"""The webhooks of the payment provider: signed events, sent as a switch says, or lost.

`webhook_url` is where they go (unset: nowhere; CONCERTO_PAYMENT_WEBHOOK_URL at the start),
`webhooks` how: `soon` (after the answer of the call that caused them), `early` (before it),
`twice`, `delayed` (by `webhook_delay_seconds`), or `never`. An event that is not taken is sent
again a few times under its id. They are signed with the secret in CONCERTO_PAYMENT_WEBHOOK_SECRET:
https://docs.stripe.com/webhooks#verify-manually
"""

import asyncio
import hashlib
import hmac
import json
import os
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

from deploy.simulators.simulator import Simulator

SWITCHES = {"webhook_url": "", "webhooks": "soon", "webhook_delay_seconds": 1.0}
API_VERSION = "2026-10-28.endive"
TRIES, WAIT_SECONDS, ANSWER_SECONDS, EARLY_SECONDS = 5, 0.2, 5.0, 1.0
TYPES = {
    "requires_action": "payment_intent.requires_action",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "requires_payment_method": "payment_intent.payment_failed",
    "succeeded": "payment_intent.succeeded",
    "canceled": "payment_intent.canceled",
}


class Webhooks:
    """What happened and is to be told, in the order it happened."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator, self._waiting = simulator, list[dict[str, Any]]()
        self._secret = os.environ.get("CONCERTO_PAYMENT_WEBHOOK_SECRET", "")
        simulator.faults["webhook_url"] = os.environ.get("CONCERTO_PAYMENT_WEBHOOK_URL", "")
        self._sending = set[asyncio.Task[None]]()

    async def sending(self, _: web.Application) -> AsyncIterator[None]:
        """The client that sends, while the simulator lives."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as self._http:
            yield
            for task in self._sending:
                task.cancel()

    def add_intent(self, intent: dict[str, Any]) -> None:
        """Something became of this payment intent."""
        self.add(TYPES[intent["status"]], intent)

    def add(self, kind: str, about: dict[str, Any]) -> None:
        """This happened."""
        if self._simulator.faults["webhook_url"]:
            self._waiting.append(event_of(kind, about))

    async def let_out(self, key: str) -> None:
        """Send what happened, caused by the call under `key`, as the switch says."""
        events, self._waiting = self._waiting, []
        how = self._simulator.faults["webhooks"]
        if not events or how == "never":
            return
        for event in events:
            event["request"]["idempotency_key"] = key or None
        sending = asyncio.create_task(self._send(events * 2 if how == "twice" else events, how))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        if how == "early":
            await asyncio.wait({sending}, timeout=EARLY_SECONDS)

    async def _send(self, events: list[dict[str, Any]], how: str) -> None:
        if how == "delayed":
            await asyncio.sleep(self._simulator.faults["webhook_delay_seconds"])
        for event in events:
            status = 0
            for attempt in range(TRIES):
                status = await self._post(event)
                if 200 <= status < 300:
                    break
                await asyncio.sleep(WAIT_SECONDS * 2**attempt)
            self._simulator.record(
                kind="webhook", event=event["id"], type=event["type"], got=status
            )

    async def _post(self, event: dict[str, Any]) -> int:
        body = json.dumps(event).encode()
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": signature(body, self._secret, int(time.time())),
        }
        url = self._simulator.faults["webhook_url"]
        try:
            async with self._http.post(url, data=body, headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


def event_of(kind: str, about: dict[str, Any]) -> dict[str, Any]:
    """The event that tells of `about`, as it is now."""
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": dict(about)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def signature(body: bytes, secret: str, at: int) -> str:
    """The header Stripe-Signature of this body, signed at this time in seconds."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"
