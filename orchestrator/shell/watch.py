"""What sagas do lets be seen, once it is committed: counted for `/metrics`, traced by order.

A saga has a span from its start to its end, and each of its commands one from the moment it was
sent to its answer; what the service did is a span below that. The saga itself hangs below the HTTP
request that began it, a parcel's below the command that did, a cancel or a return below its order.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import time_ns

from prometheus_client import Counter, Histogram

from contracts.messages.base import Failed, Result, Succeeded
from contracts.messages.values import OrderId, saga_id_of, time_of
from contracts.runtime import metrics
from contracts.runtime.session import BatchSession
from contracts.runtime.tracing import Done, Parts, nanoseconds, tracer
from orchestrator.core.decision import Decision, Send
from orchestrator.core.definition import command_of
from orchestrator.core.state import Answer, Input, Start, State, StepState
from orchestrator.sagas import SAGAS
from orchestrator.shell.store import Loaded

ME = "orchestrator"
HTTP = "http"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

started = Counter("concerto_sagas_started", "Sagas that began", ("saga",))
ended = Counter(
    "concerto_sagas_ended",
    "Sagas that ended, and what of their budget they spent: nothing, a person had to be asked, or "
    "the deadline",
    ("saga", "outcome", "spent"),
)
saga_seconds = Histogram(
    "concerto_saga_seconds",
    "From the start of a saga to its end",
    ("saga",),
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 15, MINUTE, 5 * MINUTE, HOUR / 2, 4 * HOUR, DAY, 14 * DAY),
)
results = Counter(
    "concerto_step_results",
    "Answers to the commands of a step: succeeded, failed or unknown",
    ("saga", "step", "result"),
)
commands = Counter(
    "concerto_commands_sent",
    "Commands sent: kind is do, undo or query; why is first, refused (a further attempt) or silent "
    "(the same once more, for no answer came)",
    ("saga", "step", "kind", "why"),
)
reviews = Counter(
    "concerto_reviews_opened",
    "Questions to people, by the trouble that led to them",
    ("saga", "owner", "trouble"),
)


def decided(session: BatchSession, sagas: Sequence[Loaded]) -> None:
    """Show what was decided about these sagas, once the transaction of `session` is committed."""
    if metrics.ON or tracer(ME):
        session.when_over(partial(_committed, sagas))


def accepted(orders: Sequence[OrderId], name: str, began: int, traceparent: str) -> None:
    """Trace the HTTP request `name`, which began at a time in nanoseconds, for each of the orders
    that it was the first to bring."""
    edge = tracer("api")
    if edge is None:
        return
    for order in orders:
        if nanoseconds(time_of(order)) >= began - 1_000_000:  # ids know milliseconds
            about = (saga_id_of(order), HTTP)
            done = Done(order, name, about, (), began, time_ns(), "SERVER", link=traceparent)
            edge.take(done)


def _committed(sagas: Sequence[Loaded], committed: bool) -> None:
    if committed and metrics.ON:
        _count(sagas)
    if committed and (mine := tracer(ME)):
        for saga in sagas:
            for done in _spans(saga) if mine.wants(saga.subject) else ():
                mine.take(done)


def _count(sagas: Sequence[Loaded]) -> None:
    """Add up first: a batch decides much of one kind."""
    tally: Tally[tuple[Counter, tuple[str, ...]]] = Tally()
    for saga in sagas:
        name = saga.state.saga
        for was, given, decision in _decisions(saga):
            if isinstance(given, Answer) and (step := _answered(was, given, decision)):
                tally[results, (name, step.name, _class(given.result))] += 1
            elif isinstance(given, Start):
                tally[started, (name,)] += 1
            for send in decision.commands:
                tally[commands, (name, send.step, send.kind, _why(send))] += 1
            for review in decision.reviews:
                tally[reviews, (name, review.owner, review.trouble)] += 1
        if saga.decided and saga.state.finished:
            at = saga.decided[-1][0].at
            tally[ended, (name, saga.state.status, _spent(saga.state, at))] += 1
            lasted = at - saga.state.started_at
            saga_seconds.labels(name).observe(lasted.total_seconds())
    for (counter, labels), number in tally.items():
        counter.labels(*labels).inc(number)


def _spent(state: State, at: datetime) -> str:
    """What of its budget a saga spent: it asked a person, or took longer than its deadline, unless
    that was to wait for its children, who have deadlines of their own."""
    if state.reviews:
        return "person"
    late = at - state.deadline > timedelta(0)
    return "deadline" if late and not _was_parent(state) else "nothing"


def _was_parent(state: State) -> bool:
    definition = SAGAS[state.saga, state.saga_version]
    own = zip(definition.flat, state.steps, strict=True)
    return any(command_of(step.do).to == ME and now.status == "done" for step, now in own)


def _class(result: Result) -> str:
    if isinstance(result, Succeeded):
        return "succeeded"
    return "failed" if isinstance(result, Failed) else "unknown"


def _why(send: Send) -> str:
    if send.kind == "query":
        return "first"
    if send.sending > 1:
        return "silent"
    return "refused" if send.attempt > 1 else "first"


def _decisions(saga: Loaded) -> Iterator[tuple[State, Input, Decision]]:
    """Each decision, with the state it was taken in."""
    was = saga.before
    for given, decision in saga.decided:
        yield was, given, decision
        was = decision.state


def _answered(was: State, given: Answer, decision: Decision) -> StepState | None:
    """The step whose command was answered, as it was before: it awaited this command, or else it is
    the first that changed."""
    pairs = zip(was.steps, decision.state.steps, strict=True)
    changed = [before for before, after in pairs if before is not after]
    awaited = (step for step in changed if step.command_id == given.command_id)
    return next(awaited, changed[0] if changed else None)


def _spans(saga: Loaded) -> Iterator[Done]:
    for was, given, decision in _decisions(saga):
        step = _answered(was, given, decision) if isinstance(given, Answer) else None
        if step and isinstance(given, Answer) and step.command_id == given.command_id:
            yield _command_span(saga, step, given)
    if saga.decided and saga.state.finished:
        yield _saga_span(saga.state, saga.subject, saga.decided[-1][0].at)


def _command_span(saga: Loaded, step: StepState, answer: Answer) -> Done:
    kind = {"undo": "undo ", "query": "ask about "}.get(step.kind, "")
    sent = step.sent_at or answer.at
    result = type(answer.result).__name__
    wrong = getattr(answer.result, "reason", "") if isinstance(answer.result, Failed) else ""
    return Done(
        saga.subject,
        f"{kind}{step.name}",
        (answer.command_id,),
        (saga.state.id,),
        nanoseconds(sent),
        nanoseconds(answer.at),
        "CLIENT",
        wrong=wrong,
        attributes={"saga": saga.state.id, "result": result, "sendings": step.sends},
    )


def _saga_span(state: State, subject: str, at: datetime) -> Done:
    return Done(
        subject,
        f"saga {state.saga}",
        (state.id,),
        _parent(state, subject),
        nanoseconds(state.started_at),
        nanoseconds(at),
        wrong=state.why if state.status == "undone" else "",
        attributes={"saga": state.id, "status": state.status},
    )


def _parent(state: State, subject: str) -> Parts:
    if state.parent:
        return (state.parent.command,)
    of_order = saga_id_of(subject)
    return (of_order, HTTP) if state.id == of_order else (of_order,)
