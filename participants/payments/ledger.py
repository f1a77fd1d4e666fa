"""The money ledger in double entry: every row debits one account and credits another.

A hold is a claim on the provider against the customer's promise; a capture turns the promise into
sales and the claim into money due from the provider; a refund turns it back. By invoice the claims
are on the customer, and the operations have names of their own. Amounts in integer minor units.
Each operation of an order stands at most once for each of its parts; nothing posted is changed.
"""

from contracts.runtime.session import BatchSession
from participants.payments.tables import MoneyEntry, Payment

INVOICE = "invoice"
ACCOUNTS = {
    "hold": ("held_at_provider", "promised_by_customer"),
    "release": ("promised_by_customer", "held_at_provider"),
    "settle": ("promised_by_customer", "held_at_provider"),
    "capture": ("due_from_provider", "sales"),
    "refund": ("sales", "due_from_provider"),
    "owe": ("owed_by_customer", "promised_by_customer"),
    "waive": ("promised_by_customer", "owed_by_customer"),
    "bill": ("promised_by_customer", "owed_by_customer"),
    "invoice": ("receivable_from_customer", "sales"),
    "credit": ("sales", "receivable_from_customer"),
}
BY_INVOICE = {
    "hold": "owe",
    "release": "waive",
    "settle": "bill",
    "capture": "invoice",
    "refund": "credit",
}


def post(
    session: BatchSession, payment: Payment, operation: str, amount: int, part: str = ""
) -> None:
    """Write one operation of this payment, of `amount` minor units; `part` says which of several.

    By invoice it is written under the name it has there.
    """
    named = BY_INVOICE[operation] if payment.method == INVOICE else operation
    debit, credit = ACCOUNTS[named]
    session.add(
        MoneyEntry(
            order_id=payment.order_id,
            operation=named,
            part=part,
            debit=debit,
            credit=credit,
            amount=amount,
            currency=payment.currency,
            reference=payment.reference,
        )
    )
