"""What the carriers' answers change, and what is answered to whoever asked.

A parcel that a carrier took is there, whichever attempt it was. A refusal counts for its own
attempt, once no other call of it is under way: then the next carrier is chosen, or, where somebody
wants nothing to be sent, the shipment is stopped.
"""

from datetime import UTC, datetime

from contracts.delivery.outbox import put
from contracts.delivery.service import Answer, Done, Outcome, Refused, Unsure
from contracts.messages.shipping import QueryShipping, StopShipping
from contracts.runtime.session import BatchSession
from participants.shipping import answers, calls
from participants.shipping.answers import ASKING, CHOOSING, REFUSED, REQUESTED, STOPPED
from participants.shipping.carrier import AWAY, NO_ADDRESS, HandOver, LookUp, long_ago
from participants.shipping.quotes import ChooseCarrier
from participants.shipping.tables import Shipment


def choose(intent: ChooseCarrier, outcome: Outcome, session: BatchSession) -> Answer:
    """A carrier was chosen and is asked next, unless somebody stopped or chose meanwhile."""
    shipment = _shipment(session, intent)
    mine = shipment.state == CHOOSING and intent.key == shipment.key
    if mine and isinstance(outcome, Unsure):
        return answers.told(shipment, session, outcome.reason)
    if mine and isinstance(outcome, Refused):
        return _none_left(shipment, session, outcome)
    if mine and isinstance(outcome, Done):
        shipment.quotes = outcome.data["quotes"] or shipment.quotes
        calls.choose(shipment, outcome.data["carrier"])
    return calls.next_call(shipment, session) or answers.told(shipment, session)


def hand_over(intent: HandOver, outcome: Outcome, session: BatchSession) -> Answer:
    """The carrier took it, refused it, or did not say."""
    shipment = _shipment(session, intent)
    mine = shipment.state == ASKING and intent.key == shipment.key
    if mine:
        shipment.under_way -= 1
    if isinstance(outcome, Done):
        return _taken(shipment, session, intent.carrier, outcome)
    if mine and _settles(shipment, outcome):
        return _not_taken(shipment, session, outcome)
    if mine and isinstance(outcome, Unsure):
        shipment.unanswered_at = datetime.now(UTC)
    return answers.told(shipment, session, outcome.reason)


def look_up(intent: LookUp, outcome: Outcome, session: BatchSession) -> Answer:
    """The carrier has it, or certainly not, or nobody can tell."""
    shipment = _shipment(session, intent)
    if isinstance(outcome, Done):
        return _taken(shipment, session, intent.carrier, outcome)
    waited_for = shipment.state == ASKING and shipment.stop and not shipment.under_way
    if waited_for and isinstance(outcome, Refused):
        shipment.state = STOPPED
    return answers.told(shipment, session, outcome.reason)


def _taken(shipment: Shipment, session: BatchSession, carrier: str, outcome: Done) -> Answer:
    """The parcel is there. That it is, is published once, whoever found out."""
    new = shipment.state != REQUESTED
    if new:
        shipment.state, shipment.carrier = REQUESTED, carrier
        shipment.tracking, shipment.look_at = outcome.data["tracking"], datetime.now(UTC)
    if new and isinstance(session.info["envelope"].message, QueryShipping | StopShipping):
        put(session, answers.requested(shipment), subject=shipment.order_id)
    return answers.told(shipment, session)


def _settles(shipment: Shipment, outcome: Outcome) -> bool:
    """Whether the carrier certainly has no parcel: it has refused it under this key. Where that
    was not asked, every call before must have been answered, or have been long ago."""
    if not isinstance(outcome, Refused) or shipment.under_way:
        return False
    if outcome.code not in (AWAY, NO_ADDRESS) or shipment.unanswered_at is None:
        return True
    return outcome.code == NO_ADDRESS and long_ago(shipment.unanswered_at)


def _not_taken(shipment: Shipment, session: BatchSession, outcome: Outcome) -> Answer:
    """Nobody has the parcel: stop, or go on to the next carrier."""
    assert isinstance(outcome, Refused)
    if shipment.stop:
        shipment.state = STOPPED
        return answers.told(shipment, session)
    if outcome.code != NO_ADDRESS:
        reason = "" if outcome.code == AWAY else outcome.reason
        shipment.tried = {**shipment.tried, shipment.carrier: reason}
        shipment.state = CHOOSING
        if calls.untried(shipment, session):
            return calls.choosing(shipment, session)
    return _none_left(shipment, session, outcome)


def _none_left(shipment: Shipment, session: BatchSession, outcome: Refused) -> Answer:
    """Every carrier refused, or some cannot be reached: they are chosen from when asked again."""
    away = [name for name, reason in shipment.tried.items() if not reason]
    if away and outcome.code != NO_ADDRESS:
        shipment.state = CHOOSING
        shipment.tried = {name: reason for name, reason in shipment.tried.items() if reason}
        return answers.told(shipment, session, f"cannot be reached: {', '.join(sorted(away))}")
    refusals = "; ".join(f"{name}: {reason}" for name, reason in shipment.tried.items())
    shipment.state = REFUSED
    shipment.reason = outcome.reason if outcome.code == NO_ADDRESS else refusals or outcome.reason
    return answers.told(shipment, session)


def _shipment(session: BatchSession, intent: ChooseCarrier | HandOver | LookUp) -> Shipment:
    shipment: Shipment | None = session.get(Shipment, (intent.order_id, intent.parcel))
    assert shipment, "an intent is stored with its shipment"
    return shipment
