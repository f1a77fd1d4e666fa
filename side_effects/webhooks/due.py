"""What is posted next: what fell due, a fair share for each endpoint, one at a time if it fails.

Each becomes an intent, signed here, so that the secret leaves its table only as a signature. An
endpoint that does not answer holds up itself alone.
"""

from typing import Any

from sqlalchemy import case, exists, func, select, true, update

from contracts.delivery.envelope import read_envelope
from contracts.delivery.turn import want
from contracts.runtime.session import BatchSession
from contracts.runtime.webhook import signed
from side_effects.webhooks.events import body_of
from side_effects.webhooks.posting import Post
from side_effects.webhooks.tables import Delivery, Endpoint

WAITING, SENDING, DELIVERED, GIVEN_UP = "waiting", "sending", "delivered", "given up"
SHARE = 100  # of each of the endpoints, whose number is bounded


def begin(session: BatchSession) -> int:
    """Make what fell due an intent each; how many."""
    rows = session.execute(_TAKEN).all()
    for row in rows:
        want(session, _post(row))
    return len(rows)


def _post(row: Any) -> Post:
    body = body_of(read_envelope(row.envelope))
    return Post(
        key=row.event_id,
        endpoint_id=row.endpoint_id,
        event_id=row.event_id,
        url=row.url,
        body=body,
        headers=signed(row.event_id, body, row.secret),
    )


def _taken() -> Any:
    share = (
        select(Delivery.endpoint_id, Delivery.event_id)
        .where(Delivery.endpoint_id == Endpoint.id, Delivery.due_at <= func.now())
        .order_by(Delivery.due_at)
        .limit(case((Endpoint.failing_since.is_(None), SHARE), else_=1))
        .with_for_update(skip_locked=True)
        .correlate(Endpoint)
        .lateral()
    )
    on_its_way = exists().where(Delivery.endpoint_id == Endpoint.id, Delivery.state == SENDING)
    ready = Endpoint.failing_since.is_(None) | ~on_its_way
    shares = select(share).select_from(Endpoint).join(share, true()).where(Endpoint.enabled, ready)
    taken = shares.cte()
    return (
        update(Delivery)
        .where(
            Delivery.endpoint_id == taken.c.endpoint_id,
            Delivery.event_id == taken.c.event_id,
            Delivery.endpoint_id == Endpoint.id,
        )
        .values(due_at=None, state=SENDING, attempts=Delivery.attempts + 1)
        .returning(
            *(Delivery.endpoint_id, Delivery.event_id, Delivery.envelope, Delivery.attempts),
            *(Endpoint.url, Endpoint.secret),
        )
    )


_TAKEN = _taken()
