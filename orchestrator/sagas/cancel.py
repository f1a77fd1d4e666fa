"""CANCEL: how a confirmed order is taken back before it is sent, as a value."""

from contracts.messages.payments import PaymentStatusUnknown, RefundNeedsApproval
from contracts.messages.shipping import ShippingStatusUnknown
from orchestrator.core.definition import Saga, hours, minutes, pivot, query, review, seconds, step
from orchestrator.sagas.cancel_data import Cancel

LARGE = review(
    "A refund over the limit. Pay it back?", by="operator", within=hours(24), second_person=True
)
ASK_PAYMENTS = query(Cancel.query_refund, every=seconds(30), attempts=10)
ASK_SHIPPING = query(Cancel.query_shipping, every=seconds(30), attempts=10)

CANCEL = Saga(
    name="cancel",
    version=1,
    data=Cancel,
    owner="operator",
    deadline=minutes(30),
    steps=(
        step("lock order", do=Cancel.lock, undo=Cancel.unlock),
        pivot(
            "stop shipping",
            do=Cancel.stop_shipping,
            within=seconds(20),
            on={ShippingStatusUnknown: ASK_SHIPPING},
        ),
        step(
            "approve refund",
            do=Cancel.approve,
            when=Cancel.has_amount,
            on={RefundNeedsApproval: LARGE},
        ),
        step(
            "return payment",
            do=Cancel.return_payment,
            within=seconds(20),
            on={PaymentStatusUnknown: ASK_PAYMENTS},
        ),
        step("release inventory", do=Cancel.release),
        step("withdraw promotion", do=Cancel.withdraw_promotion, when=Cancel.has_promotion),
        step("restore points", do=Cancel.restore_points, when=Cancel.has_points),
        step("cancel order", do=Cancel.cancel),
    ),
)
