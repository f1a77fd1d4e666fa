"""What the payment provider's objects and errors look like: Stripe's API v1."""

import re
from typing import Any

Answer = tuple[int, dict[str, Any]]
DECLINED = "pm_card_chargeDeclined"
METADATA_QUERY = re.compile(r"""^metadata\[['"](\w+)['"]\]:['"]([^'"]*)['"]$""")


class Wrong(Exception):
    """The request is answered with an error; it carries the whole answer."""

    def __init__(self, status: int, kind: str, code: str, message: str = "", **more: Any) -> None:
        super().__init__(message or code)
        error = {"type": kind, "code": code, "message": message or code, **more}
        self.answer: Answer = (status, {"error": error})


def invalid(code: str, message: str = "", status: int = 400, **more: Any) -> Wrong:
    """The request cannot be done as it stands."""
    return Wrong(status, "invalid_request_error", code, message, **more)


def intent_of(number: int, form: dict[str, str]) -> dict[str, Any]:
    """The payment intent that a create call asks for, confirmed (or declined)."""
    amount, method = amount_in(form, "amount"), form.get("payment_method", "")
    if "currency" not in form:
        raise invalid("parameter_missing", "Missing required param: currency.", param="currency")
    held = form.get("capture_method") == "manual"
    status = "requires_capture" if held else "succeeded"
    if method == DECLINED:
        held, status = False, "requires_payment_method"
    return {
        "id": f"pi_{number:010d}",
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount if status == "succeeded" else 0,
        "amount_capturable": amount if held else 0,
        "currency": form["currency"],
        "capture_method": form.get("capture_method", "automatic"),
        "latest_charge": f"ch_{number:010d}",
        "payment_method": method or None,
        "metadata": metadata_in(form),
        "status": status,
    }


def captured(intent: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """The intent after a capture of all or a part; the rest of the hold is let go of."""
    _expect(intent, "requires_capture", "captured")
    amount = amount_in(form, "amount_to_capture", intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        raise invalid("amount_too_large", "More than is held.", param="amount_to_capture")
    return {**intent, "status": "succeeded", "amount_received": amount, "amount_capturable": 0}


def cancelled(intent: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
    """The intent after what it holds was let go of."""
    if intent["status"] != "requires_payment_method":
        _expect(intent, "requires_capture", "canceled")
    return {**intent, "status": "canceled", "amount_capturable": 0}


def refund_of(
    number: int, intent: dict[str, Any], already: int, form: dict[str, str]
) -> dict[str, Any]:
    """The refund of all or a part of what was taken; never more than is left."""
    left = intent["amount_received"] - already
    if left <= 0:
        raise invalid("charge_already_refunded", "Nothing is left to refund.")
    amount = amount_in(form, "amount", left)
    if amount > left:
        raise invalid("amount_too_large", f"Only {left} is left to refund.", param="amount")
    return {
        "id": f"re_{number:010d}",
        "object": "refund",
        "amount": amount,
        "currency": intent["currency"],
        "charge": intent["latest_charge"],
        "payment_intent": intent["id"],
        "metadata": metadata_in(form),
        "status": "succeeded",
    }


def declined(intent: dict[str, Any]) -> Answer:
    """The answer to a card that the bank refuses."""
    message, code = "Your card was declined.", "generic_decline"
    more = {"decline_code": code, "payment_intent": intent}
    return Wrong(402, "card_error", "card_declined", message, **more).answer


def page(found: list[dict[str, Any]], query: Any) -> dict[str, Any]:
    """One page of a list, as `limit` (10 unless told) and `starting_after` say."""
    ids = [one["id"] for one in found]
    after, limit = query.get("starting_after"), min(int(query.get("limit", 10)), 100)
    begin = ids.index(after) + 1 if after in ids else 0
    data = found[begin : begin + limit]
    return {"object": "list", "data": data, "has_more": begin + limit < len(found)}


def wanted_metadata(query: str) -> tuple[str, str]:
    """Name and value in a search query like metadata['order_id']:'…', the one kind there is."""
    match = METADATA_QUERY.match(query.strip())
    if not match:
        raise invalid("search_query_invalid", f"Cannot search for {query!r}.", param="query")
    return match[1], match[2]


def metadata_in(form: dict[str, str]) -> dict[str, str]:
    """What stands in `metadata[…]` fields."""
    begin = len("metadata[")
    return {n[begin:-1]: value for n, value in form.items() if n.startswith("metadata[")}


def amount_in(form: dict[str, str], name: str, otherwise: int | None = None) -> int:
    """A positive integer in minor units."""
    said = form.get(name, "" if otherwise is None else str(otherwise))
    if not said.isdecimal() or int(said) <= 0:
        raise invalid("parameter_invalid_integer", f"{name} must be 1 or more.", param=name)
    return int(said)


def _expect(intent: dict[str, Any], status: str, becoming: str) -> None:
    if intent["status"] != status:
        message = f"This PaymentIntent is {intent['status']} and could not be {becoming}."
        raise invalid("payment_intent_unexpected_state", message, payment_intent=intent)
