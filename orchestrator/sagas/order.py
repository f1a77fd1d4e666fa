"""ORDER: how an order comes to be, as a value."""

from contracts.messages.fraud import FraudSuspected
from contracts.messages.inventory import InventoryBackordered, InventoryPartiallyReserved
from contracts.messages.parcels import ParcelsUnderWay
from contracts.messages.payments import PaymentActionRequired, PaymentStatusUnknown
from contracts.messages.shipping import ShippingStatusUnknown
from orchestrator.core.definition import (
    Rules,
    Saga,
    hours,
    minutes,
    parallel,
    pivot,
    query,
    review,
    seconds,
    step,
)
from orchestrator.sagas.order_data import Order

SUSPECTED = review("It looks like fraud. Accept the order?", by="risk", within=hours(4))
SHORT = review("Some lines are missing. Ship the rest?", by="support", within=hours(8))
BACKORDERED = review(
    "Some lines are on backorder. Ship what is there, and wait no longer?",
    by="support",
    within=hours(14 * 24),
    then="undo",
)
SUSPICION: Rules = {FraudSuspected: SUSPECTED}
MISSING: Rules = {InventoryPartiallyReserved: SHORT, InventoryBackordered: BACKORDERED}
ASK_PAYMENTS = query(Order.query_payment, every=seconds(30), attempts=10)
ASK_SHIPPING = query(Order.query_shipping, every=seconds(30), attempts=10)
ASK_PARCELS = query(Order.query_parcels, every=hours(1), attempts=30 * 24)
PAYMENT_UNKNOWN: Rules = {PaymentStatusUnknown: ASK_PAYMENTS}
SHIPPING_UNKNOWN: Rules = {ShippingStatusUnknown: ASK_SHIPPING}
UNDER_WAY: Rules = {ParcelsUnderWay: ASK_PARCELS}

ORDER = Saga(
    name="order",
    version=1,
    data=Order,
    owner="operator",
    deadline=minutes(30),
    steps=(
        step("create order", do=Order.create, undo=Order.reject),
        step("check fraud", do=Order.check_fraud, within=seconds(5), attempts=3, on=SUSPICION),
        parallel(
            step("reserve inventory", do=Order.reserve, undo=Order.release, on=MISSING),
            step(
                "apply promotion",
                do=Order.apply_promotion,
                undo=Order.withdraw_promotion,
                when=Order.has_promotion,
            ),
        ),
        step("adjust order", do=Order.adjust, when=Order.is_short),
        step("redeem points", do=Order.redeem, undo=Order.restore_points, when=Order.has_points),
        step(
            "authorize payment",
            do=Order.authorize,
            undo=Order.void,
            when=Order.has_payable,
            within=seconds(20),
            on={PaymentStatusUnknown: ASK_PAYMENTS, PaymentActionRequired: ASK_PAYMENTS},
        ),
        step("commit stock", do=Order.commit_stock),
        pivot("confirm order", do=Order.confirm, publish=Order.confirmed),
        step(
            "capture payment",
            do=Order.capture,
            when=Order.pays_at_once,
            within=seconds(20),
            on=PAYMENT_UNKNOWN,
        ),
        step(
            "start shipping",
            do=Order.ship,
            when=Order.is_one_parcel,
            within=seconds(20),
            on=SHIPPING_UNKNOWN,
        ),
        step("ship parcels", do=Order.ship_parcels, when=Order.has_parcels, on=UNDER_WAY),
        step(
            "close payment",
            do=Order.close_payment,
            when=Order.pays_in_parts,
            within=seconds(20),
            on=PAYMENT_UNKNOWN,
        ),
    ),
)
