"""How a push leaves: one signed POST to the gateway, which knows it again by its `webhook-id`.

Without an address nothing is sent, and the push is recorded as off.
"""

from dataclasses import dataclass
from typing import ClassVar

from contracts.delivery.outside import Outside
from contracts.delivery.posting import post
from contracts.delivery.service import Done, Intent, Outcome, Refused
from contracts.messages.values import CustomerId, OrderId

OFF, SENT = "off", "sent"


@dataclass(frozen=True, kw_only=True)
class Push(Intent):
    """What is said to whom: `token` is the gateway's name of a device, or a telephone number; empty
    once the customer is erased."""

    deadline_seconds: ClassVar[float] = 5.0
    attempts: ClassVar[int] = 10
    kept: ClassVar[bool] = False
    order_id: OrderId
    customer_id: CustomerId
    channel: str
    token: str
    text: str


async def send(push: Push, outside: Outside) -> Outcome:
    """Post it, unless there is no gateway."""
    url, secret = outside.settings.push_url, outside.settings.push_secret.get_secret_value()
    if not url:
        return Done(data={"state": OFF})
    if not push.token:
        return Refused(reason="the customer was erased")
    said = {"type": "push", "data": _data(push)}
    return await post(outside, "the gateway", url, secret, push.key, said)


def _data(push: Push) -> dict[str, str]:
    return {
        "channel": push.channel,
        "to": push.token,
        "text": push.text,
        "order_id": push.order_id,
    }
