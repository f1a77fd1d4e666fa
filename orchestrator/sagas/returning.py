"""RETURN: how goods come back and money goes back, whole or in part, as a value."""

from contracts.messages.payments import PaymentStatusUnknown, RefundNeedsApproval
from contracts.messages.returns import ReturnExpected
from orchestrator.core.definition import Saga, hours, minutes, pivot, query, review, seconds, step
from orchestrator.sagas.returning_data import Return

ARRIVED = review(
    "Have the goods come back in order?", by="support", within=hours(14 * 24), then="undo"
)
LARGE = review(
    "A refund over the limit. Pay it back?", by="operator", within=hours(24), second_person=True
)
ASK_PAYMENTS = query(Return.query_refund, every=seconds(30), attempts=10)

RETURN = Saga(
    name="return",
    version=1,
    data=Return,
    owner="operator",
    deadline=minutes(30),
    steps=(
        step(
            "register return",
            do=Return.register,
            undo=Return.withdraw,
            on={ReturnExpected: ARRIVED},
        ),
        step(
            "approve refund",
            do=Return.approve,
            when=Return.has_amount,
            on={RefundNeedsApproval: LARGE},
        ),
        pivot("receive goods", do=Return.receive, publish=Return.requested),
        step(
            "refund payment",
            do=Return.refund,
            when=Return.has_amount,
            within=seconds(20),
            on={PaymentStatusUnknown: ASK_PAYMENTS},
        ),
        step("complete return", do=Return.complete),
    ),
)
