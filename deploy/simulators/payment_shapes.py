"""What the payment provider's objects and errors look like: Stripe's API v1."""

import re
import time
from typing import Any

Answer = tuple[int, dict[str, Any]]
DECLINED, DECLINED_LATER = "pm_card_chargeDeclined", "pm_sim_declined_later"
AUTHENTICATE = "pm_card_authenticationRequired"
NOT_AUTHENTICATED = "payment_intent_authentication_failure"
PAGE = """<!doctype html><title>Your bank</title><p>Do you agree to this payment?
<form method="post" action="?outcome=succeeded"><button>Yes</button></form>
<form method="post" action="?outcome=failed"><button>No</button></form>"""
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


def intent_of(
    number: int, form: dict[str, str], known: bool = False, base: str = ""
) -> dict[str, Any]:
    """The payment intent that a create call asks for, confirmed (or declined, or to be
    authenticated at `base`). `known`: not the first one of its order.
    """
    amount, method = amount_in(form, "amount"), form.get("payment_method", "")
    if "currency" not in form:
        raise invalid("parameter_missing", "Missing required param: currency.", param="currency")
    intent: dict[str, Any] = {
        "id": f"pi_{number:010d}",
        "object": "payment_intent",
        "amount": amount,
        "amount_received": 0,
        "amount_capturable": 0,
        "canceled_at": None,
        "capture_method": form.get("capture_method", "automatic"),
        "client_secret": f"pi_{number:010d}_secret_simulated",
        "created": int(time.time()),
        "currency": form["currency"],
        "last_payment_error": None,
        "latest_charge": f"ch_{number:010d}",
        "livemode": False,
        "metadata": metadata_in(form),
        "next_action": None,
        "payment_method": method or None,
        "payment_method_options": _options_in(form),
        "payment_method_types": list_in(form, "payment_method_types") or ["card"],
        "status": "processing",
    }
    if method == DECLINED or (method == DECLINED_LATER and known):
        return refused(intent, "card_declined", "Your card was declined.")
    return _asked(intent, form, base) if method == AUTHENTICATE else confirmed(intent, form)


def _asked(intent: dict[str, Any], form: dict[str, str], base: str) -> dict[str, Any]:
    """The intent of a card whose customer has to authenticate first."""
    if form.get("error_on_requires_action") == "true":
        return refused(intent, "authentication_required", "This card requires authentication.")
    if "return_url" not in form:
        raise invalid("parameter_missing", "Missing required param: return_url.")
    page = {"url": f"{base}/sim/authenticate/{intent['id']}", "return_url": form["return_url"]}
    action = {"type": "redirect_to_url", "redirect_to_url": page}
    return {**intent, "status": "requires_action", "next_action": action}


def confirmed(intent: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
    """The intent once the bank agrees: held, or taken at once."""
    told = {**intent, "next_action": None, "last_payment_error": None}
    if intent["capture_method"] == "manual":
        return {**told, "status": "requires_capture", "amount_capturable": intent["amount"]}
    return {**told, "status": "succeeded", "amount_received": intent["amount"]}


def refused(intent: dict[str, Any], code: str, message: str) -> dict[str, Any]:
    """The intent once the bank has refused: another payment method may do."""
    error = {"type": "card_error", "code": code, "message": message}
    status = "requires_payment_method"
    return {**intent, "status": status, "next_action": None, "last_payment_error": error}


def authenticated(intent: dict[str, Any], outcome: str) -> dict[str, Any]:
    """The intent after its customer was asked by the bank: `succeeded` or `failed`."""
    _expect(intent, "requires_action", "authenticated")
    if outcome == "succeeded":
        return confirmed(intent, {})
    if outcome != "failed":
        raise invalid("parameter_invalid_string", "outcome is succeeded or failed.")
    return refused(intent, NOT_AUTHENTICATED, "The customer did not authenticate.")


def captured(intent: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """The intent after a capture of all or a part. The rest of the hold is let go of, unless the
    capture is not the final one (https://docs.stripe.com/payments/multicapture)."""
    _expect(intent, "requires_capture", "captured")
    final = form.get("final_capture", "true").lower() == "true"
    before, left = intent["amount_received"], intent["amount_capturable"]
    nothing = final and before and form.get("amount_to_capture") == "0"
    amount = 0 if nothing else amount_in(form, "amount_to_capture", left)
    if amount > left:
        raise invalid("amount_too_large", "More than is held.", param="amount_to_capture")
    if not final and not _several_times(intent):
        raise invalid("parameter_invalid", "Multicapture is not available.", param="final_capture")
    metadata = {**intent["metadata"], **metadata_in(form)}
    taken = {**intent, "metadata": metadata, "amount_received": before + amount}
    if final or amount == left:
        return {**taken, "status": "succeeded", "amount_capturable": 0}
    return {**taken, "amount_capturable": left - amount}


def _several_times(intent: dict[str, Any]) -> bool:
    options = intent["payment_method_options"] or {}
    return "request_multicapture" in options.get("card", {})


def _options_in(form: dict[str, str]) -> dict[str, Any] | None:
    """Of the options of payment methods the one there is: to be captured several times."""
    said = form.get("payment_method_options[card][request_multicapture]")
    return {"card": {"request_multicapture": said}} if said else None


def cancelled(intent: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
    """The intent after what it holds was let go of."""
    if intent["status"] not in ("requires_payment_method", "requires_action"):
        _expect(intent, "requires_capture", "canceled")
    freed = {"amount_capturable": 0, "next_action": None, "canceled_at": int(time.time())}
    return {**intent, "status": "canceled", **freed}


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
        "created": int(time.time()),
        "failure_reason": None,
        "payment_intent": intent["id"],
        "metadata": metadata_in(form),
        "status": "succeeded",
    }


def charge_of(intent: dict[str, Any], refunded: int) -> dict[str, Any]:
    """The charge of an intent that was taken, of which this much was given back."""
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount_received"],
        "amount_refunded": refunded,
        "captured": True,
        "created": intent["created"],
        "currency": intent["currency"],
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": refunded == intent["amount_received"],
        "status": "succeeded",
    }


def declined(intent: dict[str, Any]) -> Answer:
    """The answer to a card that the bank refuses."""
    error = intent["last_payment_error"]
    more = {"decline_code": "generic_decline", "payment_intent": intent}
    return Wrong(402, "card_error", error["code"], error["message"], **more).answer


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


def list_in(form: dict[str, str], name: str) -> list[str]:
    """What stands in `name[0]`, `name[1]` …"""
    return [value for said, value in form.items() if said.startswith(f"{name}[")]


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
