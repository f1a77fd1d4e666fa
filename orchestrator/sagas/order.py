"""ORDER: how an order comes to be, as a value."""

from contracts.messages.payments import PaymentStatusUnknown
from contracts.messages.shipping import ShippingStatusUnknown
from orchestrator.core.definition import Saga, minutes, pivot, query, seconds, step
from orchestrator.sagas.order_data import Order

ASK_PAYMENTS = query(Order.query_payment, every=seconds(30), attempts=10)
ASK_SHIPPING = query(Order.query_shipping, every=seconds(30), attempts=10)

ORDER = Saga(
    name="order",
    version=1,
    data=Order,
    owner="operator",
    deadline=minutes(30),
    steps=(
        step("create order", do=Order.create, undo=Order.cancel),
        step("reserve inventory", do=Order.reserve, undo=Order.release),
        step(
            "authorize payment",
            do=Order.authorize,
            undo=Order.void,
            when=Order.has_payable,
            within=seconds(20),
            attempts=5,
            on={PaymentStatusUnknown: ASK_PAYMENTS},
        ),
        pivot("confirm order", do=Order.confirm, publish=Order.confirmed),
        step(
            "capture payment",
            do=Order.capture,
            when=Order.has_payable,
            within=seconds(20),
            on={PaymentStatusUnknown: ASK_PAYMENTS},
        ),
        step(
            "start shipping",
            do=Order.ship,
            within=seconds(20),
            on={ShippingStatusUnknown: ASK_SHIPPING},
        ),
    ),
)
