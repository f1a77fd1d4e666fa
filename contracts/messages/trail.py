"""What is said about deliveries: what became of events at their subscribers."""

from dataclasses import dataclass
from typing import Literal

from contracts.messages.base import Message
from contracts.messages.values import MessageId

DeliveryState = Literal["handled", "ignored", "retrying", "dead"]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of an event at `subscriber`; from the trail: it has the event."""

    event_id: MessageId
    subscriber: str
    state: DeliveryState
    attempts: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Receipts(Message):
    """What a subscriber tells the trail, and the trail the publishers of events."""

    receipts: tuple[Receipt, ...]
