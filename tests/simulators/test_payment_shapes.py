"""What the simulator says has the shape Stripe documents: fields, types, errors, events.

The `stripe` package's own classes are the record of that shape; they are made from Stripe's OpenAPI
document. The fields payments depends on are named here, so that none can be left out.
"""

import json
import time
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import stripe

from deploy.simulators.payment_shapes import charge_of
from deploy.simulators.payment_webhooks import event_of, signature
from tests.simulators.running import KEY, Running, call

# https://docs.stripe.com/api/payment_intents/object, …/refunds/object, …/events/object,
# …/charges/object and …/errors: what is always there and what payments reads.
ALWAYS = {
    "payment_intent": {
        *("id", "object", "amount", "amount_capturable", "amount_received", "canceled_at"),
        *("capture_method", "client_secret", "created", "currency", "last_payment_error"),
        *("latest_charge", "livemode", "metadata", "next_action", "payment_method"),
        *("payment_method_types", "status"),
    },
    "refund": {
        *("id", "object", "amount", "charge", "created", "currency", "metadata"),
        *("payment_intent", "status"),
    },
    "charge": {
        *("id", "object", "amount", "amount_captured", "amount_refunded", "captured", "created"),
        *("currency", "livemode", "metadata", "paid", "payment_intent", "refunded", "status"),
    },
    "event": {
        *("id", "object", "api_version", "created", "data", "livemode", "pending_webhooks"),
        *("request", "type"),
    },
}
CLASSES: dict[str, Any] = {
    "payment_intent": stripe.PaymentIntent,
    "refund": stripe.Refund,
    "charge": stripe.Charge,
    "event": stripe.Event,
}
EVENTS = {
    "payment_intent.requires_action",
    "payment_intent.amount_capturable_updated",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.created",
}
Client = stripe.StripeClient


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running("payment", tmp_path_factory.mktemp("payment")) as running:
        yield running


@pytest.fixture(scope="module")
def client(provider: Running) -> Client:
    """Stripe's own client, in front of the simulator."""
    addresses: Any = {"api": provider.url}
    return Client(KEY, base_addresses=addresses, max_network_retries=0)


def made(client: Client, token: str = "pm_card_visa", **more: Any) -> Any:
    """A hold of 19.99."""
    wanted: Any = {
        "amount": 1999,
        "currency": "gbp",
        "confirm": True,
        "capture_method": "manual",
        "payment_method": token,
        "payment_method_types": ["card"],
        "return_url": "http://localhost/",
        "metadata": {"order_id": "o1"},
        **more,
    }
    return client.v1.payment_intents.create(wanted)


def test_a_payment_intent_has_the_documented_shape_in_every_status(client: Client) -> None:
    """Held, taken, canceled, to be authenticated, declined."""
    intents = client.v1.payment_intents
    held, waiting = made(client), made(client, "pm_card_authenticationRequired")
    found = [held, waiting, intents.capture(held.id), intents.cancel(made(client).id)]
    with pytest.raises(stripe.CardError) as declined:
        made(client, "pm_card_chargeDeclined")
    error: Any = declined.value.error
    found.append(intents.retrieve(error.payment_intent.id))
    for intent in found:
        shaped(intent.to_dict())
    assert [intent.status for intent in found] == [
        *("requires_capture", "requires_action", "succeeded", "canceled"),
        "requires_payment_method",
    ]


def test_a_customer_is_redirected_as_documented(client: Client) -> None:
    """next_action names the page and where the customer comes back to; then it is gone."""
    waiting = made(client, "pm_card_authenticationRequired")
    action = waiting.next_action
    assert action.type == "redirect_to_url"
    assert fields(stripe.PaymentIntent.NextAction) >= set(action.to_dict())
    assert fields(stripe.PaymentIntent.NextAction.RedirectToUrl) >= set(
        action.redirect_to_url.to_dict()
    )
    assert call("POST", f"{action.redirect_to_url.url}?outcome=failed", b"")[0] == 200
    read: Any = client.v1.payment_intents.retrieve(waiting.id)
    assert fields(stripe.PaymentIntent.LastPaymentError) >= set(read.last_payment_error.to_dict())
    assert read.next_action is None


def test_a_hold_is_captured_several_times_as_documented(client: Client) -> None:
    """https://docs.stripe.com/payments/multicapture: it stays held until the final capture, which
    may be of nothing; what each capture adds to the metadata is there with it."""
    several: Any = {"card": {"request_multicapture": "if_available"}}
    intents, held = client.v1.payment_intents, made(client, payment_method_options=several)
    part: Any = {"amount_to_capture": 500, "final_capture": False, "metadata": {"parcel_1": "500"}}
    first = intents.capture(held.id, part)
    shaped(first.to_dict())
    assert (first.status, first.amount_received) == ("requires_capture", 500)
    assert (first.amount_capturable, first.metadata["parcel_1"]) == (1499, "500")
    last = intents.capture(held.id, {"amount_to_capture": 0, "final_capture": True})
    assert (last.status, last.amount_received, last.amount_capturable) == ("succeeded", 500, 0)
    refund = client.v1.refunds.create({"payment_intent": held.id})
    assert refund.amount == 500


def test_what_did_not_ask_for_it_is_captured_once(client: Client) -> None:
    once = made(client)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.capture(once.id, {"final_capture": False})


def test_a_refund_has_the_documented_shape(client: Client) -> None:
    """Made, read and listed."""
    intent = client.v1.payment_intents.capture(made(client).id)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    listed = client.v1.refunds.list({"payment_intent": intent.id})
    for one in (refund, client.v1.refunds.retrieve(refund.id), *listed.data):
        shaped(one.to_dict())
        assert (one.id, one.status) == (refund.id, "succeeded")


@pytest.mark.parametrize(
    ("token", "more", "raised", "code"),
    [
        ("pm_card_chargeDeclined", {}, stripe.CardError, "card_declined"),
        ("pm_card_visa", {"amount": 0}, stripe.InvalidRequestError, "parameter_invalid_integer"),
        ("pm_sim_500_after", {}, stripe.APIError, "internal"),
        (
            "pm_card_authenticationRequired",
            {"error_on_requires_action": True},
            stripe.CardError,
            "authentication_required",
        ),
    ],
)
def test_an_error_has_the_documented_shape(
    client: Client, token: str, more: dict[str, Any], raised: type[stripe.StripeError], code: str
) -> None:
    """The package raises the class that its documentation names, with type, code and message."""
    with pytest.raises(raised) as refused:
        made(client, token, **more)
    assert type(refused.value) is raised
    error = refused.value.json_body["error"]  # type: ignore[index]  # it has a body
    assert error["code"] == code
    assert {"type", "code", "message"} <= set(error) <= fields(stripe.ErrorObject)


def test_an_event_has_the_documented_shape(client: Client) -> None:
    """Signed, read by the package, of a documented type, and about a documented object."""
    intent = client.v1.payment_intents.capture(made(client).id)
    shown = intent.to_dict()
    for event in (
        event_of("payment_intent.succeeded", shown),
        event_of("charge.refunded", charge_of(shown, 500)),
    ):
        body = json.dumps(event)
        header = signature(body.encode(), "whsec_x", int(time.time()))
        read = stripe.Webhook.construct_event(body, header, "whsec_x")
        assert read.type in EVENTS
        shaped(event)
        shaped(event["data"]["object"])
        assert set(event["request"]) == fields(stripe.Event.Request)
    assert set(get_args(stripe.Event.__annotations__["type"])) >= EVENTS


def shaped(said: dict[str, Any]) -> None:
    """Everything documented is there, nothing else is, and each value is of its type."""
    kind = said["object"]
    documented = CLASSES[kind].__annotations__
    assert ALWAYS[kind] <= set(said) <= fields(CLASSES[kind])
    wrong = {n: v for n, v in said.items() if not fits(v, documented[n])}
    assert not wrong


def fields(kind: Any) -> set[str]:
    """The fields a class of the package documents."""
    return {name for name in kind.__annotations__ if name.islower()}


def fits(value: Any, documented: Any) -> bool:
    """Whether a JSON value can be what the annotation says; of other objects, any object."""
    origin, inside = get_origin(documented), get_args(documented)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inside)
    if origin is Literal:
        return value in inside
    if origin in (list, dict):
        return isinstance(value, origin)
    if documented in (int, str, bool, float, type(None)):
        return type(value) is documented
    return isinstance(value, dict)
