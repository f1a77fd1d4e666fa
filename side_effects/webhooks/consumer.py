"""START HERE: which endpoints are told what, when they are told again, and when no more.

An event is noted once for each enabled endpoint that wants it; what is noted falls due, is posted,
and falls due again at doubling intervals until it is taken or was tried `ATTEMPTS` times. An
endpoint that takes nothing for longer than `webhook_failing_hours`, or answers 410, is disabled
with the reason; what waits for it stays, and is due when it is enabled again.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, tuple_

from contracts.delivery.envelope import stored
from contracts.delivery.service import Done, Ignored, Outcome, Retries, Rows, Service
from contracts.messages.base import Message
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from side_effects.webhooks import due, posting
from side_effects.webhooks.events import EVENTS, kind_of
from side_effects.webhooks.posting import Post
from side_effects.webhooks.tables import Delivery, Endpoint

webhooks = Service("webhooks", Retries(attempts=8))
ATTEMPTS = 22
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 8 * 3600.0
GONE = 410
KEPT_FOR = timedelta(days=30)
CLEARED_AT_ONCE = 1000


def note(event: Message, session: BatchSession) -> Ignored | None:
    """Note the event for each endpoint that wants it; it is posted soon."""
    kind, envelope = kind_of(type(event)), session.info["envelope"]
    wanted = [endpoint for endpoint in _enabled(session) if kind in endpoint.events]
    for endpoint in wanted:
        session.add(
            Delivery(
                endpoint_id=endpoint.id,
                event_id=envelope.id,
                kind=kind,
                envelope=stored(envelope),
                state=due.WAITING,
                attempts=0,
                last_error="",
            )
        )
    return None if wanted else Ignored("nobody", f"no enabled endpoint wants {kind}")


for _event in EVENTS.values():
    webhooks.on(_event)(note)  # type: ignore[type-var]  # each of them is public


@webhooks.chore(every=timedelta(seconds=0.5))
def begin(session: BatchSession) -> int:
    """Begin to post what fell due."""
    return due.begin(session)


@webhooks.chore(every=timedelta(hours=1))
def clear(session: BatchSession) -> int:
    """Forget deliveries of which nothing was heard for long."""
    key = tuple_(Delivery.endpoint_id, Delivery.event_id)
    long_over = Delivery.at < func.now() - KEPT_FOR
    old = select(Delivery.endpoint_id, Delivery.event_id).where(long_over).limit(CLEARED_AT_ONCE)
    gone = session.scalars(delete(Delivery).where(key.in_(old)).returning(Delivery.event_id))
    return len(gone.all())


def _posted(posts: Sequence[Post]) -> Iterable[Rows]:
    yield Delivery, {(post.endpoint_id, post.event_id) for post in posts}
    yield Endpoint, {post.endpoint_id for post in posts}


def record(post: Post, outcome: Outcome, session: BatchSession) -> None:
    """Remember what the endpoint answered, and what follows for it."""
    endpoint = session.get(Endpoint, post.endpoint_id)
    delivery = session.get(Delivery, (post.endpoint_id, post.event_id))
    if endpoint is None or delivery is None:
        return  # it was removed meanwhile
    status, error = _answer(outcome)
    delivery.last_status, delivery.last_error, delivery.at = status, error, datetime.now(UTC)
    if error:
        _failed(endpoint, delivery)
    else:
        delivery.state, endpoint.failing_since = due.DELIVERED, None


webhooks.performs(Post, record=record, loads=_posted)(posting.send)


def _enabled(session: BatchSession) -> Sequence[Endpoint]:
    """The endpoints that are told anything, looked up once for a batch."""
    if "endpoints" not in session.info:
        enabled = select(Endpoint).where(Endpoint.enabled).order_by(Endpoint.id)
        session.info["endpoints"] = session.scalars(enabled).all()
    found: Sequence[Endpoint] = session.info["endpoints"]
    return found


def _answer(outcome: Outcome) -> tuple[int | None, str]:
    if isinstance(outcome, Done):
        return outcome.data["status"], outcome.data["error"]
    return None, outcome.reason


def _failed(endpoint: Endpoint, delivery: Delivery) -> None:
    """Try again later, or never; a failing endpoint is disabled when it has failed for long."""
    last = delivery.attempts >= ATTEMPTS
    delivery.state = due.GIVEN_UP if last else due.WAITING
    delivery.due_at = None if last else delivery.at + _interval(delivery.attempts)
    since = endpoint.failing_since = endpoint.failing_since or delivery.at
    limit = settings().wait(settings().webhook_failing_hours * 3600)
    if delivery.last_status == GONE:
        _disable(endpoint, delivery.last_error)
    elif delivery.at - since > limit:
        when = f"{since:%Y-%m-%d %H:%M} UTC"
        _disable(endpoint, f"failing since {when}: {delivery.last_error}")


def _interval(attempts: int) -> timedelta:
    return settings().wait(min(FIRST_SECONDS * 2 ** (attempts - 1), LONGEST_SECONDS))


def _disable(endpoint: Endpoint, because: str) -> None:
    if endpoint.enabled:
        endpoint.enabled, endpoint.disabled_because = False, because
        endpoint.disabled_at = datetime.now(UTC)
