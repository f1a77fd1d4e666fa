"""Which kinds of mail there are, and how a rejection is told in the customer's words."""

from typing import Literal, get_args

Kind = Literal["confirmation", "rejected", "delayed", "welcome"]
Channel = Literal["email"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CONFIRMED, REJECTED, DELAYED, WELCOME = KINDS
CHANNEL: Channel = "email"

# The reason of a rejection begins with the step of the saga that failed.
WORDS = {
    "check fraud": "we could not accept it after our security check",
    "reserve inventory": "what you ordered is out of stock",
    "adjust order": "what you ordered is out of stock",
    "commit stock": "what you ordered is out of stock",
    "apply promotion": "the promotion code is not valid for it",
    "redeem points": "your points did not suffice",
    "authorize payment": "your payment was not accepted",
    "the deadline": "it took us too long to complete it",
}
OTHERWISE = "we could not complete it"


def told(reason: str) -> str:
    """The reason as the customer is told: nothing of our steps, rules or people."""
    return next((words for step, words in WORDS.items() if reason.startswith(step)), OTHERWISE)
