"""What is said to and by `gifts`, which wraps parcels."""

from dataclasses import dataclass

from contracts.messages.base import Command, Succeeded
from contracts.messages.values import OrderId


@dataclass(frozen=True, kw_only=True)
class GiftWrapped(Succeeded, public=True):
    """The order is wrapped."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class WrapGift(Command[GiftWrapped], to="gifts"):
    """Wrap the order."""

    order_id: OrderId
