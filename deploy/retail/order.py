"""How an invoice is submitted: the same key and body whenever the same file is imported."""

from typing import Any

from deploy.retail.countries import code
from deploy.retail.invoices import Invoice

CURRENCY = "GBP"


def order(invoice: Invoice) -> dict[str, Any]:
    """The invoice as an order of a batch; the person is made up from the customer's number."""
    who = invoice.customer_id
    body = {
        "key": f"invoice-{invoice.number}",
        "customer_id": who,
        "currency": CURRENCY,
        "lines": [
            {
                "sku": line.sku,
                "quantity": line.units,
                "unit_price": {"amount": line.pennies, "currency": CURRENCY},
            }
            for line in invoice.lines
        ],
        "payment": {"method": "card", "token": "pm_card_visa"},
        "ship_to": {
            "name": f"Customer {who}",
            "email": f"customer-{who}@shop.example",
            "line1": "1 High Street",
            "city": invoice.country or "unknown",
            "postcode": "00000",
            "country": code(invoice.country),
        },
    }
    more = {
        "placed_at": invoice.placed_at and invoice.placed_at.isoformat(),
        "promotion_code": invoice.code,
        "redeem_points": invoice.points,
    }
    return body | {name: value for name, value in more.items() if value}
