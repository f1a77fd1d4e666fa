"""Submitting orders over HTTP: one with an Idempotency-Key, or many as one batch."""

import json
from collections.abc import Callable, Sequence
from time import time_ns
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.delivery.due import Host
from contracts.messages.values import saga_id_of
from contracts.runtime.access import Caller, allow
from contracts.runtime.group import Group
from contracts.runtime.problems import Problem, problem
from contracts.runtime.settings import Settings
from orchestrator.http.submit import (
    Accepted,
    Begin,
    Declined,
    KeyedOrder,
    OrderBody,
    Price,
    Remember,
    Submissions,
    Submit,
    ordered,
)
from orchestrator.shell import watch

Answers = Sequence[Accepted | Declined]
BATCH_MOST = 500
KEY = r"^[\x21-\x7e]+$"
Shop = Annotated[Caller, Depends(allow("shop"))]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=KEY)]


async def _tracing(request: Request) -> Callable[[Answers], None]:
    """What traces this request for each order that it brings."""
    began, name = time_ns(), f"{request.method} {request.url.path}"

    def trace(accepted: Answers) -> None:
        orders = [each.order_id for each in accepted if isinstance(each, Accepted) and each.same]
        watch.accepted(orders, name, began, request.headers.get("traceparent", ""))

    return trace


Trace = Annotated[Callable[[Answers], None], Depends(_tracing)]


class Links(BaseModel):
    """Where to go on."""

    self: str
    events: str
    saga: str


class OrderAnswer(BaseModel):
    """What a submit is answered with; the same for the same caller, key and body."""

    id: str
    status: str = "pending"
    links: Links


class JsonLines(Response):
    """One JSON object on each line."""

    media_type = "application/jsonl"


class BatchBody(BaseModel):
    """Up to 500 orders, each with its own idempotency key."""

    model_config = ConfigDict(extra="forbid")
    orders: list[dict[str, Any]] = Field(min_length=1, max_length=BATCH_MOST)


def routes(
    host: Host, remember: Remember, price: Price, config: Settings, begin: Begin = ordered
) -> APIRouter:
    """The routes of submitting, on the orchestrator's database."""
    router = APIRouter(tags=["orders"])
    submissions = Submissions(host, remember, price, begin)
    group: Group[Submit, Accepted | Declined] = Group(
        submissions.accept, "orders", most=config.submit_group, line=config.submit_queue
    )

    @router.post("/orders", status_code=202, response_model=OrderAnswer)
    async def submit(body: OrderBody, key: Key, caller: Shop, trace: Trace) -> Response:
        """Accept an order; from the answer on it is never lost."""
        (accepted,) = await group.submit([Submit.of(caller.subject, key, body)])
        if isinstance(accepted, Declined):
            raise Problem(**_declined(accepted))
        if not accepted.same:
            raise Problem(**_reused(key))
        trace([accepted])
        answer = _answer(accepted)
        return JSONResponse(answer, 202, {"Location": answer["links"]["self"]})

    @router.post("/orders:batch", status_code=202, response_class=JsonLines)
    async def submit_batch(body: BatchBody, caller: Shop, trace: Trace) -> JsonLines:
        """Accept many orders; one JSON line for each, in the same order."""
        read = [_read(order) for order in body.orders]
        good = [
            Submit.of(caller.subject, order.key, order.order())
            for order in read
            if isinstance(order, KeyedOrder)
        ]
        trace(accepted := await group.submit(good))
        answers = iter(accepted)
        lines = [
            _line(order, next(answers)) if isinstance(order, KeyedOrder) else order
            for order in read
        ]
        return JsonLines("".join(f"{json.dumps(line)}\n" for line in lines), 202)

    return router


def _answer(accepted: Accepted) -> dict[str, Any]:
    """What `OrderAnswer` declares."""
    here = f"/orders/{accepted.order_id}"
    links = {
        "self": here,
        "events": f"{here}/events",
        "saga": f"/sagas/{saga_id_of(accepted.order_id)}",
    }
    return {"id": accepted.order_id, "status": "pending", "links": links}


def _read(order: dict[str, Any]) -> KeyedOrder | dict[str, Any]:
    try:
        return KeyedOrder.model_validate(order)
    except ValidationError as error:
        wrong = [
            {"at": ".".join(str(part) for part in e["loc"]), "what": e["msg"]}
            for e in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        return problem(422, "invalid", "The order is not valid", errors=wrong[:20])


def _line(order: KeyedOrder, accepted: Accepted | Declined) -> dict[str, Any]:
    if isinstance(accepted, Declined):
        return {"key": order.key, **problem(**_declined(accepted))}
    if accepted.same:
        return {"key": order.key, **_answer(accepted)}
    return {"key": order.key, **problem(**_reused(order.key))}


def _declined(declined: Declined) -> dict[str, Any]:
    return {
        "status": 422,
        "slug": "no-price",
        "title": "The order cannot be priced",
        "detail": declined.reason,
    }


def _reused(key: str) -> dict[str, Any]:
    return {
        "status": 422,
        "slug": "key-reused",
        "title": "This key stands for another order",
        "detail": f"Idempotency-Key {key!r} was used with another body; take a new key.",
    }
