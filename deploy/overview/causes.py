"""What caused an event, up to the customer's request, and what it caused in turn.

An event is caused by the command whose answer it is (or that made a saga publish it), or by another
event; a command by its saga; a saga by the request for it, or by the command of the saga that waits
for it.
"""

from typing import Any

from deploy.overview.order import Order, name_of

REQUESTS = {"order": "POST /orders", "cancel": "POST /orders/{id}/cancel"}
REQUESTS |= {"return": "POST /orders/{id}/returns"}
MOST_CAUSES = 50  # so long no chain is, unless it is a circle


def tree(order: Order | None, event: Any, events: list[Any]) -> dict[str, Any]:
    """From the root cause that is known down to the event, and all that it caused. `order` is the
    one the event is about, if it is about one; `events` are those about the same subject."""
    told = _with_effects(event, events, MOST_CAUSES)
    for node in _causes(order, event, {each.id: each for each in events}):
        told = {**node, "children": [told]}
    return told


def caused_by(told: dict[str, Any], event_id: str) -> dict[str, Any] | None:
    """The nearest cause of the event in its tree; None when nothing is known of it."""
    while told["id"] != event_id:
        (below,) = told["children"]
        if below["id"] == event_id:
            return {name: told[name] for name in ("id", "type", "kind")}
        told = below
    return None


def _with_effects(event: Any, events: list[Any], left: int) -> dict[str, Any]:
    caused = [each for each in events if each.cause == event.id] if left else []
    below = [_with_effects(each, events, left - 1) for each in caused]
    return {**_event(event), "children": below}


def _causes(order: Order | None, event: Any, events: dict[str, Any]) -> list[dict[str, Any]]:
    """What led to the event, the nearest first."""
    found: list[dict[str, Any]] = []
    while event.cause in events and len(found) < MOST_CAUSES:
        event = events[event.cause]
        found.append(_event(event))
    if order:
        found += _of_saga(order, event.cause, event.saga)
    return found


def _of_saga(order: Order, cause: str | None, saga_id: str | None) -> list[dict[str, Any]]:
    commands = order.commands()
    sagas = {saga.id: saga for saga in order.sagas}
    found: list[dict[str, Any]] = []
    while len(found) < MOST_CAUSES:
        if cause in commands:
            sent = commands[cause]
            found.append(_command(sent))
            saga_id = sent.saga.id
        if saga_id not in sagas:
            return found
        saga = sagas[saga_id]
        found.append(_saga(saga))
        if not saga.parent:
            return [*found, _request(saga)]
        cause, saga_id = saga.state["parent"]["command"], saga.parent
    return found


def _event(row: Any) -> dict[str, Any]:
    told = {"id": row.id, "type": name_of(row.type), "kind": "event", "source": row.source}
    return {**told, "at": row.at}


def _command(sent: Any) -> dict[str, Any]:
    told = {"id": sent.command["id"], "type": sent.command["type"], "kind": "command"}
    return {**told, "source": "orchestrator", "at": sent.at, "step": sent.command["step"]}


def _saga(row: Any) -> dict[str, Any]:
    told = {"id": row.id, "type": row.name, "kind": "saga", "source": "orchestrator"}
    return {**told, "at": row.started_at}


def _request(saga: Any) -> dict[str, Any]:
    """What the customer, or somebody for them, asked for."""
    kind = REQUESTS.get(saga.name, f"a request for a {saga.name}")
    return {
        "id": saga.subject,
        "type": kind,
        "kind": "request",
        "source": "api",
        "at": saga.started_at,
    }
