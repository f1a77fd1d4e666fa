"""The console, for now: the latest orders, each with the one sentence that says how it stands."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from jinja2 import DictLoader, Environment
from sqlalchemy import select

from contracts.delivery.due import Host
from contracts.runtime.access import Caller, allow
from orchestrator.core.tell import why
from orchestrator.shell import runner, store
from orchestrator.shell.tables import SagaRow

SHOWN = 200
Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Concerto · orders</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .4rem .6rem; text-align: left;
         vertical-align: top; }
code { font-size: .85em; }
.review, .undoing { font-weight: 600; }
</style>
</head>
<body>
<h1>Orders</h1>
<p>The latest {{ orders | length }}, newest first.</p>
<table>
<thead><tr><th>Order</th><th>Status</th><th>Since</th><th>How it stands</th></tr></thead>
<tbody>
{% for order in orders %}<tr>
<td><code>{{ order.id }}</code></td>
<td class="{{ order.status }}">{{ order.status }}</td>
<td><time datetime="{{ order.since.isoformat() }}">{{ order.since.strftime("%T") }}</time></td>
<td>{{ order.why }}</td>
</tr>{% endfor %}
</tbody>
</table>
</body>
</html>
"""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def routes(host: Host) -> APIRouter:
    """The console on the orchestrator's database."""
    router = APIRouter(tags=["console"])
    page = Environment(loader=DictLoader({"orders": PAGE}), autoescape=True).get_template("orders")

    @router.get("/console", response_class=HTMLResponse)
    def console(caller: Staff) -> HTMLResponse:
        """The latest orders, server-rendered."""
        latest = select(SagaRow.__table__).order_by(SagaRow.id.desc()).limit(SHOWN)
        with host.db.transaction() as session:
            rows = session.execute(latest).all()
            at = store.now(session)
        orders = [_order(row, at) for row in rows]
        return HTMLResponse(page.render(orders=orders), headers=HEADERS)

    return router


def _order(row: Any, at: Any) -> dict[str, Any]:
    saga = store.loaded(row, runner.definition)
    definition = runner.definition(row.name, row.definition)
    return {
        "id": row.subject,
        "status": row.status,
        "since": row.changed_at,
        "why": " ".join(why(definition, saga.state, at)),
    }
