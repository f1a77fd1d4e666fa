"""What is said about deliveries: what became of one event at one subscriber."""

from dataclasses import dataclass
from typing import Literal

from contracts.messages.base import Message
from contracts.messages.values import MessageId

DeliveryState = Literal["handled", "ignored", "retrying", "dead"]


@dataclass(frozen=True, kw_only=True)
class Receipt(Message):
    """Tells the trail what became of an event at `subscriber`; from the trail: it has the event."""

    event_id: MessageId
    subscriber: str
    state: DeliveryState
    attempts: int
    reason: str = ""
