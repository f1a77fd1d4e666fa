"""What is said by `users`, the owner of personal data; others carry its references."""

from dataclasses import dataclass

from contracts.messages.base import Event
from contracts.messages.values import ContactId, CustomerId


@dataclass(frozen=True, kw_only=True)
class UserRegistered(Event, by="users"):
    """A person registered; name and address are fetched by `contact_id` by who may."""

    customer_id: CustomerId
    contact_id: ContactId


@dataclass(frozen=True, kw_only=True)
class UserErased(Event, by="users"):
    """A person is to be forgotten: whoever keeps something personal of the customer removes it."""

    customer_id: CustomerId
