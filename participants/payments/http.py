"""The money ledger of an order over HTTP, the limits of refunds, and where the provider reports."""

from typing import Annotated, Any
from uuid import UUID

import stripe
from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert, select

from contracts.delivery.due import Host
from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.group import Group
from contracts.runtime.problems import Problem
from contracts.runtime.settings import settings
from participants.payments import limits
from participants.payments.tables import MoneyEntry, RefundLimit
from participants.payments.webhooks import reported

WEBHOOK_BYTES = 256 * 1024
GROUP, LINE = 200, 2000  # reports committed together, and waiting, at most
NOT_SIGNED = "Sign it as https://docs.stripe.com/webhooks says, with our secret, and at once."
Reader = Annotated[Caller, Depends(allow("support", "operator"))]
Admin = Annotated[Caller, Depends(allow("admin"))]
Currency = Annotated[str, Path(pattern=r"^[A-Z]{3}$")]
LIMIT_MOST = 1_000_000_000_000


class LimitBody(BaseModel):
    """The limit in minor units; 0 asks a second person about every refund."""

    model_config = ConfigDict(extra="forbid")
    amount: int = Field(ge=0, le=LIMIT_MOST, strict=True)


def routes(db: Database, host: Host) -> APIRouter:
    """The routes of payments; `host` answers those who wait for what is reported."""
    router = APIRouter(tags=["payments"])
    group: Group[Any, bool] = Group(
        lambda events: host.run(lambda session: reported(session, events)),
        "reports",
        most=GROUP,
        line=LINE,
    )

    @router.get("/ledgers/money/{order_id}")
    def ledger(order_id: UUID, caller: Reader) -> dict[str, Any]:
        """Every movement of money of one order, oldest first."""
        entries = MoneyEntry.__table__
        wanted = select(entries).where(entries.c.order_id == str(order_id)).order_by(entries.c.id)
        with db.transaction() as session:
            return {"entries": [_shown(row) for row in session.execute(wanted)]}

    @router.get("/refund-limits/{currency}")
    def limit(currency: Currency, caller: Reader) -> dict[str, Any]:
        """Up to when a refund needs no second person."""
        with db.transaction() as session:
            return {"money": {"amount": limits.of(session, currency), "currency": currency}}

    @router.put("/refund-limits/{currency}")
    def change(currency: Currency, body: LimitBody, caller: Admin) -> dict[str, Any]:
        """Set it, from the next refund on; who did stays written."""
        row = insert(RefundLimit).values(currency=currency, amount=body.amount, by=caller.subject)
        with db.transaction() as session:
            session.execute(row)
        return {"money": {"amount": body.amount, "currency": currency}}

    @router.post("/webhooks/payments", responses={400: {"description": "Not signed, or stale"}})
    async def take(event: Annotated[Any, Depends(_signed)]) -> dict[str, bool]:
        """What the payment provider reports; the signature is what lets it in."""
        (new,) = await group.submit([event])
        return {"new": new}

    return router


async def _signed(request: Request) -> Any:
    """The event in the body, once its signature and its age are seen to be right."""
    body, header = await _body(request), request.headers.get("Stripe-Signature")
    secret = settings().payment_webhook_secret.get_secret_value()
    try:
        if not secret:
            raise ValueError("no secret is set")
        event: Any = stripe.Webhook.construct_event(body, header, secret)
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise Problem(400, "not-signed", "The webhook is not signed", NOT_SIGNED) from error
    return event


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > WEBHOOK_BYTES:
            raise Problem(413, "too-large", "The body is too large", f"At most {WEBHOOK_BYTES}.")
    return bytes(body)


def _shown(row: Any) -> dict[str, Any]:
    return {
        "operation": row.operation,
        "debit": row.debit,
        "credit": row.credit,
        "money": {"amount": row.amount, "currency": row.currency},
        "reference": row.reference,
        "at": row.at,
    }
