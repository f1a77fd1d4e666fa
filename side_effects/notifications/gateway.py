"""How a push leaves: one POST to the gateway, signed as Standard Webhooks, under one `webhook-id`.

https only, but for hosts that the setting `webhook_allow` names; no redirects; a short deadline.
Without an address nothing is sent, and the push is recorded as off.
"""

import json
from dataclasses import dataclass
from typing import ClassVar

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused
from contracts.messages.values import OrderId
from contracts.runtime.webhook import LATER, allowed, signed

OFF, SENT = "off", "sent"


@dataclass(frozen=True, kw_only=True)
class Push(Intent):
    """What is said to whom: `token` is the gateway's name of a device, or a telephone number."""

    deadline_seconds: ClassVar[float] = 5.0
    attempts: ClassVar[int] = 10
    order_id: OrderId
    channel: str
    token: str
    text: str


class NotTaken(RuntimeError):
    """The gateway did not take it now; it is sent again."""


async def send(push: Push, outside: Outside) -> Outcome:
    """Post it; a 4xx is final, but for those that mean later."""
    url = outside.settings.push_url
    if not url:
        return Done(data={"state": OFF})
    if not allowed(url, outside.settings):
        return Refused(reason=f"{url} is neither https nor in CONCERTO_WEBHOOK_ALLOW")
    body = json.dumps({"type": "push", "data": _data(push)})
    headers = signed(push.key, body, outside.settings.push_secret.get_secret_value())
    async with outside.http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        if answer.status < 300:
            return Done(data={"state": SENT})
        if 400 <= answer.status < 500 and answer.status not in LATER:
            return Refused(reason=f"the gateway answered {answer.status}")
        raise NotTaken(f"the gateway answered {answer.status}")


def _data(push: Push) -> dict[str, str]:
    return {
        "channel": push.channel,
        "to": push.token,
        "text": push.text,
        "order_id": push.order_id,
    }
