"""When a person is asked, what they may choose, and what happens when nobody chooses.

No road ends anywhere else: a step in trouble opens a review, one at a time; a late certain answer
makes it moot; a review that runs out undoes before the pivot and goes to the saga's owner after it.
"""

from datetime import timedelta

from msgspec.structs import replace

from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.values import ContactId, CustomerId, derived
from orchestrator.core.answers import done
from orchestrator.core.definition import Question, Step, Then
from orchestrator.core.state import Choice, Chosen, Reassigned, Review, StepState, Trouble
from orchestrator.core.turn import Turn, ask, begin_do, begin_undo, send_again

HIGHEST = 2

WORDS: dict[Trouble, str] = {
    "silent": "No answer to {step}. Did it happen?",
    "unknown": "Nobody can tell whether this happened: {step}. Did it?",
    "refused": "Refused every time: {step} ({reason}). What now?",
}


def open_next(turn: Turn) -> None:
    """Ask about the first step in trouble, unless a person is being asked already."""
    if turn.review:
        return
    for place, step in enumerate(turn.steps):
        if step.trouble:
            return _open(turn, place, step)


def close_if_moot(turn: Turn) -> None:
    """Withdraw the review when its step is out of trouble, or in another one."""
    review = turn.review
    if review and turn.steps[turn.saga.place[review.step]].trouble != review.trouble:
        turn.notes.append("the review is closed")
        _close(turn, review)


def decided(turn: Turn, chosen: Chosen) -> str | None:
    """Do what the person chose, or say why it is ignored."""
    review = turn.review
    if not review or review.id != chosen.review_id:
        return "that review is not open"
    if chosen.choice not in review.choices:
        return f"{chosen.choice} is none of {', '.join(review.choices)}"
    if barred := barred_from(review, chosen.by):
        return barred
    said = f"{chosen.by} chose {chosen.choice}: {chosen.reason}"
    turn.notes.append(said)
    _close(turn, review)
    _do(turn, turn.saga.place[review.step], chosen.choice, said, chosen.by)
    return None


def barred_from(review: Review, person: str) -> str:
    """Why this person must not decide the review; empty when they may, if their role does."""
    if person not in review.not_by:
        return ""
    return f"{person} has acted in this before; a second person decides"


def reassigned(turn: Turn, given: Reassigned) -> str | None:
    """Let another role be asked, in the time that is left, or say why it is ignored."""
    review = turn.review
    if not review or review.id != given.review_id:
        return "that review is not open"
    if review.owner == given.owner:
        return f"{given.owner} is asked already"
    turn.review = replace(review, owner=given.owner)
    turn.notes.append(f"{given.by} gave it to {given.owner}: {given.reason}")
    return None


def run_out(turn: Turn) -> None:
    """Nobody decided in time."""
    review = turn.review
    if not review:
        return
    if review.then == "escalate":
        return _escalate(turn, review)
    _close(turn, review)
    return _do(turn, turn.saga.place[review.step], review.then, "nobody decided in time")


def choices_of(turn: Turn, step: StepState) -> tuple[Choice, ...]:
    """What a person may choose about a step in trouble."""
    choices: list[Choice] = ["continue"]
    if step.status != "done":
        choices.insert(0, "retry")
    if step.status != "undoing" and turn.may_go_back():
        choices.append("undo")
    return tuple(choices)


def _open(turn: Turn, place: int, step: StepState) -> None:
    rule = _rule_of(turn.saga.flat[place], step)
    within = rule.within if rule else turn.saga.review_within
    choices = choices_of(turn, step)
    usual: Then = "undo" if "undo" in choices else "escalate"
    _ask_person(
        turn,
        about=step,
        question=rule.question if rule else _question(step),
        owner=rule.by if rule else turn.saga.owner,
        within=within,
        choices=choices,
        then=(rule.then if rule else None) or usual,
        level=0,
        not_by=_acted(turn) if turn.saga.flat[place].second_person else (),
    )


def _acted(turn: Turn) -> tuple[str, ...]:
    """Who asked for this saga, and on whose word its steps rest."""
    people = (getattr(turn.data, "asked_by", ""), *(step.by for step in turn.steps))
    return tuple(dict.fromkeys(filter(None, people)))


def _question(step: StepState) -> str:
    undo = "undo of " if step.status == "undoing" else ""
    return WORDS[step.trouble].format(step=undo + step.name, reason=step.reason or step.result)


def _rule_of(definition: Step, step: StepState) -> Question | None:
    """The definition's own question about the step's last result, if that is the trouble."""
    if step.trouble not in ("asked", "unknown"):
        return None
    for result, rule in definition.on.items():
        if result.wire_name() == step.result and isinstance(rule, Question):
            return rule
    return None


def _ask_person(
    turn: Turn,
    *,
    about: StepState,
    question: str,
    owner: str,
    within: timedelta,
    choices: tuple[Choice, ...],
    then: Then,
    level: int,
    not_by: tuple[str, ...],
) -> None:
    turn.reviews += 1
    review = Review(
        id=derived(turn.state.id, "review", str(turn.reviews)),
        step=about.name,
        trouble=about.trouble,
        question=question,
        owner=owner,
        opened_at=turn.at,
        until=turn.at + within,
        choices=choices,
        then=then,
        level=level,
        not_by=not_by,
    )
    turn.review = review
    turn.opened.append(review)
    _announce(turn, review)


def _announce(turn: Turn, review: Review) -> None:
    second = f" (a second person, not {' or '.join(review.not_by)})" if review.not_by else ""
    choices = ", ".join(review.choices)
    turn.notes.append(f"{review.owner} is asked{second}: {review.question} ({choices})")
    turn.events.append(
        ManualReviewRequired(
            saga_id=turn.state.id,
            order_id=turn.data.order_id,
            customer_id=getattr(turn.data, "customer_id", CustomerId("")),
            contact_id=getattr(turn.data, "contact_id", ContactId("")),
            review_id=review.id,
            question=review.question,
            owner=review.owner,
        )
    )


def _escalate(turn: Turn, review: Review) -> None:
    """Ask the saga's owner, who has twice the time; at the highest level the question stays."""
    within = 2 * (review.until - review.opened_at)
    if review.level >= HIGHEST:
        turn.notes.append("nobody decided in time; the question stays open")
        turn.review = replace(review, until=turn.at + within / 2)
        return
    turn.notes.append("nobody decided in time")
    _close(turn, review)
    _ask_person(
        turn,
        about=turn.steps[turn.saga.place[review.step]],
        question=review.question,
        owner=turn.saga.owner,
        within=within,
        choices=review.choices,
        then=review.then,
        level=review.level + 1,
        not_by=review.not_by,
    )


def _close(turn: Turn, review: Review) -> None:
    """The deadline stood still since; that it does so while the saga is paused is seen to when it
    goes on."""
    turn.review = None
    until = turn.paused.at if turn.paused else turn.at
    turn.deadline += max(until - review.opened_at, timedelta(0))


def _do(turn: Turn, place: int, choice: str, why: str, by: str = "the clock") -> None:
    if choice == "retry":
        _retry(turn, place)
    elif choice == "continue":
        _continue(turn, place, by)
    else:
        _undo(turn, place, why)


def _retry(turn: Turn, place: int) -> None:
    """Silence is asked again under the same id; an Unknown is queried again; only what certainly
    did not happen (or has no query and a person's word for it) is a new attempt."""
    step = turn.steps[place]
    turn.change(place, sends=0, queries=0, refusals=0)
    if step.trouble == "silent":
        send_again(turn, place)
    elif step.trouble == "unknown" and turn.saga.flat[place].query:
        ask(turn, place)
    elif step.status == "undoing":
        begin_undo(turn, place)
    else:
        begin_do(turn, place)


def _continue(turn: Turn, place: int, by: str) -> None:
    """The person says that what was wanted is so: by itself, or by their own hand."""
    step = turn.steps[place]
    turn.change(place, trouble="", due_at=None, command_id=None)
    if step.status == "undoing":
        turn.change(place, status="undone", by=by)
    elif step.status == "done":
        turn.change(place, by=by)
    else:
        done(turn, place, None, by)


def _undo(turn: Turn, place: int, why: str) -> None:
    """What is in doubt is undone as well: its service remembers an undo that comes first."""
    doubtful = turn.steps[place].status == "doing"
    turn.change(place, trouble="", due_at=None)
    if doubtful:
        turn.change(place, status="doubtful")
    if turn.heading == "forward":
        turn.back(why)
