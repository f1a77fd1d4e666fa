"""What tests of webhooks send: events of the provider, signed as it signs them."""

import json
import time
from typing import Any

import stripe

from contracts.messages.values import OrderId
from deploy.simulators.payment_webhooks import event_of, signature
from tests.simulators.running import call

SECRET = "whsec_simulated"


def intent(order: OrderId, key: str, number: int, status: str, **more: Any) -> dict[str, Any]:
    """A payment intent of this order, as it stands."""
    metadata = {"order_id": order, "key": key}
    about = {"id": f"pi_{number}", "object": "payment_intent", "status": status}
    return {**about, "amount_received": 0, "metadata": metadata, **more}


def charge(order: OrderId, key: str, number: int, refunded: int) -> dict[str, Any]:
    """The charge of a payment intent, of which this much is given back."""
    metadata = {"order_id": order, "key": key}
    about = {"id": f"ch_{number}", "object": "charge", "payment_intent": f"pi_{number}"}
    return {**about, "amount_refunded": refunded, "metadata": metadata}


def parsed(kind: str, about: dict[str, Any]) -> Any:
    """The event as the `stripe` package reads it, its signature verified."""
    body = json.dumps(event_of(kind, about)).encode()
    header = signature(body, SECRET, int(time.time()))
    return stripe.Webhook.construct_event(body, header, SECRET)


def report(
    url: str, event: dict[str, Any], secret: str = SECRET, age_seconds: int = 0
) -> tuple[int, Any]:
    """Post an event to the webhooks of payments."""
    body = json.dumps(event).encode()
    header = signature(body, secret, int(time.time()) - age_seconds)
    return call("POST", f"{url}/webhooks/payments", body, Stripe_Signature=header)
