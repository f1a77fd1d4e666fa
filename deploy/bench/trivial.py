"""The trivial saga: five steps that do nothing, through the real edge, core, delivery and tables.

It is what orchestration itself costs. The participant is a service of the name `inventory`, whose
schema, role and queue it uses; the edge takes ordinary orders and starts this saga for each.
"""

from dataclasses import dataclass

from contracts.delivery.service import Service
from contracts.messages import catalogue
from contracts.messages.base import Command, Result, Succeeded
from contracts.messages.payable import Payable
from contracts.messages.values import OrderId, saga_id_of
from contracts.runtime.session import BatchSession
from orchestrator.core.check import checked
from orchestrator.core.definition import Saga, Undoing, minutes, seconds, step
from orchestrator.http.submit import Submit
from orchestrator.sagas import SAGAS
from orchestrator.shell.runner import Beginning

STEPS = 5


@dataclass(frozen=True, kw_only=True)
class TrivialDone(Succeeded):
    """Nothing was done."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class DoTrivial(Command[TrivialDone], to="inventory", effect=False):
    """Do nothing."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class Trivial:
    """All it remembers is whom it is about."""

    order_id: OrderId

    def learn(self, fact: Result | Undoing) -> "Trivial":
        """There is nothing to learn."""
        return self

    def do(self) -> DoTrivial:
        """Do nothing."""
        return DoTrivial(order_id=self.order_id)


TRIVIAL = Saga(
    name="trivial",
    version=1,
    data=Trivial,
    owner="operator",
    deadline=minutes(30),
    steps=tuple(
        step(f"step {number}", do=Trivial.do, within=seconds(60)) for number in range(1, STEPS + 1)
    ),
)

inventory = Service("inventory")


@inventory.handles(DoTrivial)
def do_nothing(command: DoTrivial, session: BatchSession) -> TrivialDone:
    """Nothing."""
    return TrivialDone(order_id=command.order_id)


def beginning(order_id: OrderId, submit: Submit, payable: Payable) -> Beginning:
    """A trivial saga for a submitted order."""
    return Beginning(TRIVIAL, saga_id_of(order_id), order_id, Trivial(order_id=order_id))


def known() -> None:
    """Make the saga and its messages known to this process."""
    catalogue.add(DoTrivial, TrivialDone)
    SAGAS["trivial", 1] = checked(TRIVIAL, {})


known()
