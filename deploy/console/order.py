"""One order: how it stands in one sentence, what a person may do, and all that happened to it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response
from markupsafe import Markup

from deploy.console.api import Api, joined, path_of
from deploy.console.visit import Guest

Facts = dict[str, Any]
EVENTS_MOST = 50
TABS = {
    "timeline": "Timeline",
    "flow": "Flow",
    "messages": "Messages",
    "money": "Money",
    "stock": "Stock",
    "effects": "Side effects",
    "journal": "Journal",
}


def routes(router: APIRouter) -> None:
    """The page of one order."""

    @router.get("/orders/{identifier}")
    async def order(guest: Guest, identifier: str, tab: str = "timeline") -> Response:
        """An order, or one of its sagas, by its id."""
        saga, more = await asyncio.gather(
            guest.api.get(joined("sagas", identifier)),
            guest.api.get(joined("sagas", identifier, "expected")),
        )
        said = guest.needed(saga)
        tab = tab if tab in TABS else "timeline"
        order_id = said["order_id"]
        common = guest.api.all(
            order=f"/orders/{order_id}",
            family=path_of("/sagas", q=order_id),
            reviews=path_of("/reviews", saga=said["id"]),
        )
        facts, shown = await asyncio.gather(common, READ[tab](guest.api, said))
        return guest.page("order", saga=said, tab=tab, tabs=TABS, expected=more, **facts, **shown)


async def _timeline(api: Api, saga: Facts) -> Facts:
    return {"timeline": await api.get(f"/sagas/{saga['id']}/timeline")}


async def _flow(api: Api, saga: Facts) -> Facts:
    drawn = await api.get(f"/process/{saga['saga']}.svg", saga_id=saga["id"])
    return {"drawn": drawn, "svg": Markup(drawn.said) if drawn.ok else ""}


async def _messages(api: Api, saga: Facts) -> Facts:
    return {"messages": await api.get(f"/sagas/{saga['id']}/messages")}


async def _money(api: Api, saga: Facts) -> Facts:
    """Our ledger, and what the payment provider has on record where it is a simulated one."""
    of = saga["order_id"]
    return await api.all(
        ledger=f"/ledgers/money/{of}", outside=path_of("/simulators/payment/records", about=of)
    )


async def _stock(api: Api, saga: Facts) -> Facts:
    """What moved because of this order."""
    return {"moved": await api.get("/ledgers/stock", order=saga["order_id"])}


async def _effects(api: Api, saga: Facts) -> Facts:
    """The order's events, and what became of each at each subscriber."""
    of = saga["order_id"]
    events = path_of("/events", order=of, limit=EVENTS_MOST, deliveries=True)
    return await api.all(events=events, shipment=f"/shipments/{of}")


async def _journal(api: Api, saga: Facts) -> Facts:
    return {"journal": await api.get(f"/sagas/{saga['id']}/journal")}


READ: dict[str, Callable[[Api, Facts], Awaitable[Facts]]] = {
    "timeline": _timeline,
    "flow": _flow,
    "messages": _messages,
    "money": _money,
    "stock": _stock,
    "effects": _effects,
    "journal": _journal,
}
