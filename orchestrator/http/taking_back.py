"""Cancelling an order and sending one back: what can be done depends on how far the order is.

Before its pivot the order's own saga is undone. After it a saga of its own cancels what is not sent
yet; what is sent can be returned. Asked twice, the same happens once.
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from contracts.delivery.due import Host
from contracts.messages.returns import ReturnLine
from contracts.messages.values import OrderId, SagaId, Sku, derived, saga_id_of
from contracts.runtime.access import Caller, allow
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from orchestrator.core.pausing import end_of
from orchestrator.core.state import Cancelled, State
from orchestrator.sagas.cancel import CANCEL
from orchestrator.sagas.cancel_data import Cancel
from orchestrator.sagas.order_data import Order
from orchestrator.sagas.returning import RETURN
from orchestrator.sagas.returning_data import Return
from orchestrator.shell import audit, runner
from orchestrator.shell.audit import Deed
from orchestrator.shell.runner import Beginning
from orchestrator.shell.store import Loaded
from orchestrator.shell.tables import SagaRow

KEY = r"^[\x21-\x7e]+$"
LINES_MOST = 2000
Asker = Annotated[Caller, Depends(allow("shop", "customer", "support", "operator"))]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=KEY)]
Why = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")]
SAGAS = SagaRow.__table__


class CancelBody(BaseModel):
    """Why the order is not wanted any more."""

    model_config = ConfigDict(extra="forbid")
    reason: Why = "it is not wanted any more"


class ReturnLineBody(BaseModel):
    """So many units of one SKU."""

    model_config = ConfigDict(extra="forbid")
    sku: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")
    quantity: int = Field(ge=1, le=1_000_000)


class ReturnBody(BaseModel):
    """What is sent back: these lines, or all that is left; `received` when it is back already,
    which only the shop's side can say. The reason `missing` says that it was not there to be sent:
    nothing comes back, and it is paid back."""

    model_config = ConfigDict(extra="forbid")
    lines: list[ReturnLineBody] = Field(default_factory=list, max_length=LINES_MOST)
    received: bool = False
    reason: Literal["missing"] | None = None


def routes(host: Host) -> APIRouter:
    """The routes of taking back, on the orchestrator's database."""
    router = APIRouter(tags=["orders"])

    @router.post("/orders/{order_id}/cancel", status_code=202)
    def cancel(order_id: UUID, caller: Asker, body: CancelBody | None = None) -> dict[str, Any]:
        """Cancel the order: undo what is not decided yet, or take back what is not sent yet."""
        reason = (body or CancelBody()).reason
        return host.run(lambda session: _cancelled(session, OrderId(str(order_id)), caller, reason))

    @router.post("/orders/{order_id}/returns", status_code=202)
    def give_back(order_id: UUID, body: ReturnBody, key: Key, caller: Asker) -> dict[str, Any]:
        """Send back lines of an order that was sent, or all of it."""
        if body.received and caller.role == "customer":
            raise Problem(403, "forbidden", "Not with this role", "The shop says what has arrived.")
        if body.reason and caller.role in ("customer", "shop"):
            raise Problem(403, "forbidden", "Not with this role", "Support says what is missing.")
        return host.run(lambda s: _returned(s, OrderId(str(order_id)), caller, key, body))

    return router


def _cancelled(
    session: BatchSession, order_id: OrderId, caller: Caller, reason: str
) -> dict[str, Any]:
    order, staff = _order(session, order_id, caller), caller.may("support", "operator")
    said = {"by": caller.subject, "reason": reason, "staff": staff}
    applied = runner.tell(session, order, Cancelled, **said).ignored is None
    if applied and staff:
        audit.write(session, caller, _deed(order, reason), order)
    if order.state.heading == "back":
        return _answer(order_id, order.state.id, _undone(order.state))
    if not order.state.version:
        title = "The order has not begun yet"
        raise Problem(409, "being-decided", title, "Ask again in a moment.", {"Retry-After": "5"})
    if not _is_decided(order.state):
        title = "The order is being confirmed right now"
        raise Problem(409, "being-decided", title, "Ask again in a second.", {"Retry-After": "1"})
    saga_id = SagaId(derived(order_id, CANCEL.name))
    data = _cancel(order.state.data, caller.subject, reason)
    begun = _start_once(session, Beginning(CANCEL, saga_id, order_id, data)) is None
    if begun and staff:
        audit.write(session, caller, _deed(order, reason), order)
    return _answer(order_id, saga_id, "the order is being cancelled, unless it is sent already")


def _deed(order: Loaded, reason: str) -> Deed:
    return Deed(action="cancel", about=order.state.id, reason=reason)


def _undone(order: State) -> str:
    if order.paused:
        return f"the order is paused, and undone when it goes on, by {end_of(order.paused)}"
    return "the order is being undone"


def _is_decided(order: State) -> bool:
    """Whether the pivot of the order's saga has succeeded."""
    saga = runner.definition(order.saga, order.saga_version)
    return order.steps[saga.pivot_place].status == "done"


def _cancel(order: Order, asked_by: str, reason: str) -> Cancel:
    return Cancel(
        order_id=order.order_id,
        asked_by=asked_by,
        reason=reason,
        amount=order.costs.total,
        promotion=order.has_promotion(),
        points=order.has_points(),
    )


def _returned(
    session: BatchSession, order_id: OrderId, caller: Caller, key: str, body: ReturnBody
) -> dict[str, Any]:
    order = _order(session, order_id, caller)
    if not _is_decided(order.state):
        title = "The order is not confirmed"
        raise Problem(409, "not-confirmed", title, "Cancel it instead.")
    return_id = derived(order_id, RETURN.name, caller.subject, key)
    lines = tuple(ReturnLine(sku=Sku(line.sku), quantity=line.quantity) for line in body.lines)
    data = Return(
        order_id=order_id,
        return_id=return_id,
        asked_by=caller.subject,
        lines=lines,
        received=body.received,
        missing=body.reason == "missing",
    )
    saga_id = SagaId(return_id)
    if (known := _start_once(session, Beginning(RETURN, saga_id, order_id, data))) is not None:
        asked = (known["lines"], known["received"], known["missing"])
        if asked != ([asdict(line) for line in lines], data.received, data.missing):
            raise Problem(
                422, "key-reused", "This key stands for another return", "Take a new key."
            )
    return _answer(order_id, saga_id, "the return is under way")


def _order(session: BatchSession, order_id: OrderId, caller: Caller) -> Loaded:
    """The order's saga, locked, if the caller may know of it."""
    order = runner.found(session, saga_id_of(order_id))
    if order is None or not caller.sees(order.state.data.customer_id):
        raise Problem(404, "not-found", "There is no such order")
    return order


def _start_once(session: BatchSession, beginning: Beginning) -> dict[str, Any] | None:
    """Begin the saga, unless it was begun before (then its data): one that failed begins no second
    time."""
    of = select(SAGAS.c.data).where(SAGAS.c.id == beginning.saga_id)
    known: dict[str, Any] | None = session.scalar(of)
    if known is None:
        runner.start(session, [beginning])
    return known


def _answer(order_id: OrderId, saga_id: SagaId, what: str) -> dict[str, Any]:
    links = {"self": f"/orders/{order_id}", "saga": f"/sagas/{saga_id}"}
    return {"id": order_id, "status": what, "saga_id": saga_id, "links": links}
