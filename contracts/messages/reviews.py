"""What is said when a saga stops and a person is to decide."""

from dataclasses import dataclass

from contracts.messages.base import Event
from contracts.messages.values import ContactId, CustomerId, OrderId, SagaId


@dataclass(frozen=True, kw_only=True)
class ManualReviewRequired(Event, by="orchestrator"):
    """A saga waits for a person: the question, and who is asked. Customer and contact are empty
    where the saga is not the order's own."""

    saga_id: SagaId
    order_id: OrderId
    customer_id: CustomerId
    contact_id: ContactId
    review_id: str
    question: str
    owner: str
