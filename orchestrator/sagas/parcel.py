"""PARCEL: how one of several parcels of a confirmed order is paid for and sent, as a value.

It is a child: the order's saga waits at "ship parcels" until every parcel has ended. A parcel that
no carrier takes, or that cannot be paid for, is tried again or given up as a person decides: then
its money goes back and its units are on hand again.
"""

from contracts.messages.payments import PaymentFailed, PaymentStatusUnknown
from contracts.messages.shipping import ShippingRefused, ShippingStatusUnknown
from orchestrator.core.definition import Saga, hours, pivot, query, review, seconds, step
from orchestrator.sagas.parcel_data import ParcelSent

UNPAID = review(
    "The money for this parcel cannot be taken. Try again, or give the parcel up?",
    by="support",
    within=hours(24),
)
REFUSED = review(
    "No carrier takes this parcel. Try again, or pay it back?", by="support", within=hours(48)
)
ASK_PAYMENTS = query(ParcelSent.query_capture, every=seconds(30), attempts=10)
ASK_SHIPPING = query(ParcelSent.query_shipping, every=seconds(30), attempts=10)

PARCEL = Saga(
    name="parcel",
    version=1,
    data=ParcelSent,
    owner="operator",
    deadline=hours(14 * 24),
    steps=(
        step("open parcel", do=ParcelSent.open, undo=ParcelSent.give_up),
        step("pick parcel", do=ParcelSent.pick, undo=ParcelSent.put_back),
        step(
            "capture payment",
            do=ParcelSent.capture,
            undo=ParcelSent.return_payment,
            when=ParcelSent.has_amount,
            within=seconds(20),
            on={PaymentFailed: UNPAID, PaymentStatusUnknown: ASK_PAYMENTS},
        ),
        pivot(
            "start shipping",
            do=ParcelSent.ship,
            within=seconds(20),
            on={ShippingRefused: REFUSED, ShippingStatusUnknown: ASK_SHIPPING},
        ),
    ),
)
