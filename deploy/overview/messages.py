"""Which commands were sent for an order, and what came back to each."""

from collections import Counter
from typing import Any

from contracts.messages.catalogue import class_of
from deploy.overview.order import Order, Sent


def messages(order: Order) -> list[dict[str, Any]]:
    """Every command of an order in the order they were sent: how often again, and its result."""
    sendings = Counter(sent.command["id"] for sent in order.sent())
    answers = order.answers()
    listed = sorted(order.commands().values(), key=lambda sent: sent.at)
    return [
        {
            "saga": sent.saga.name,
            "saga_id": sent.saga.id,
            "at": sent.at,
            **{name: sent.command[name] for name in ("step", "kind", "attempt", "id", "type")},
            "to": sent.command["to"],
            "again": sendings[sent.command["id"]] - 1,
            "result": _result(sent, answers),
        }
        for sent in listed
    ]


def result_name(entry: Any) -> str:
    """The name of the result in an entry of the journal that holds an answer."""
    return class_of(entry.input["result"]["type"]).wire_name()


def _result(sent: Sent, answers: dict[str, list[Any]]) -> dict[str, Any] | None:
    """What came back last: a doubt may be followed by what is certain."""
    came = answers.get(sent.command["id"])
    if not came:
        return None
    data = came[-1].input["result"]["data"]
    reason = str(data.get("reason", ""))
    return {"at": came[-1].at, "type": result_name(came[-1]), "reason": reason, "data": data}
