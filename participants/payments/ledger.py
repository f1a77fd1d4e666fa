"""The money ledger in double entry: every row debits one account and credits another.

A hold is a claim on the provider against the customer's promise; a capture turns the promise into
sales and the claim into money due from the provider. Amounts in integer minor units. Each operation
of an order stands at most once; what was posted is never changed.
"""

from contracts.runtime.session import BatchSession
from participants.payments.tables import MoneyEntry, Payment

ACCOUNTS = {
    "hold": ("held_at_provider", "promised_by_customer"),
    "release": ("promised_by_customer", "held_at_provider"),
    "settle": ("promised_by_customer", "held_at_provider"),
    "capture": ("due_from_provider", "sales"),
}


def post(session: BatchSession, payment: Payment, operation: str, amount: int) -> None:
    """Write one operation of this payment, of `amount` minor units."""
    debit, credit = ACCOUNTS[operation]
    session.add(
        MoneyEntry(
            order_id=payment.order_id,
            operation=operation,
            debit=debit,
            credit=credit,
            amount=amount,
            currency=payment.currency,
            reference=payment.reference,
        )
    )
