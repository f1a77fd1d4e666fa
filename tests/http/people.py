"""People before the API, and what they are asked."""

import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from contracts.delivery.due import Host
from contracts.delivery.envelope import Envelope
from contracts.messages.base import Result
from contracts.messages.values import MessageId, OrderId, SagaId, saga_id_of, stamped
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from orchestrator.core.definition import Saga
from orchestrator.core.sample import example_of
from orchestrator.core.state import Kind, State
from orchestrator.core.turn import id_of
from orchestrator.sagas.order import ORDER
from orchestrator.sagas.order_data import Order
from orchestrator.sagas.returning import RETURN
from orchestrator.sagas.returning_data import Return
from orchestrator.shell import runner

NUMBERS = count(1)


@dataclass(frozen=True)
class Person:
    """Somebody in a role, who calls the API."""

    api: str
    subject: str
    role: str = "support"

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        status, said = self._said(method, path, body)
        return status, json.loads(said)

    def lines(self, method: str, path: str, body: Any = None) -> list[Any]:
        """The JSON lines of the answer."""
        return [json.loads(line) for line in self._said(method, path, body)[1].splitlines()]

    def _said(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.api).netloc, timeout=30)
        token = mint(settings(), self.role, self.subject)
        told = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, told)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer.status, said

    def about(self, review: str, what: str, **body: Any) -> tuple[int, Any]:
        """Claim, release, reassign or decide (`decision`) a review."""
        return self("POST", f"/reviews/{review}/{what}", body)

    def decides(self, review: str, choice: str) -> tuple[int, Any]:
        """Decide a review."""
        return self.about(review, "decision", choice=choice, reason="so it is")


@dataclass
class UnderWay:
    """A saga under way, whose services the test speaks for."""

    host: Host
    saga: Saga
    saga_id: SagaId
    order_id: OrderId

    def answered(self, step: str, result: type[Result], kind: Kind = "do", number: int = 1) -> None:
        """The service of that step answers."""
        definition = self.saga.flat[self.saga.place[step]]
        answer = Envelope(
            id=MessageId(stamped(datetime.now(UTC), "answer", str(next(NUMBERS)))),
            message=example_of(result),  # type: ignore[arg-type]  # a class is hashable
            source="service",
            at=datetime.now(UTC),
            subject=self.saga_id,
            saga=self.saga_id,
            cause=id_of(self.saga_id, definition, kind, number),
        )
        self.host.receive([answer])

    def state(self) -> State:
        """How it stands."""
        with self.host.db.transaction() as session:
            saga = runner.found(session, self.saga_id)
            assert saga
            return saga.state

    def review(self) -> str:
        """The review that is open."""
        review = self.state().review
        assert review
        return review.id


class Returned(UnderWay):
    """A return under way."""

    @classmethod
    def begun(cls, host: Host, **data: Any) -> "Returned":
        """A return whose goods are to come: support is asked."""
        number = str(next(NUMBERS))
        order_id = OrderId(stamped(datetime.now(UTC), "order", number))
        saga_id = SagaId(stamped(datetime.now(UTC), "return", number))
        some: Any = example_of(Return)
        told = {**vars(some), "order_id": order_id, "amount": None, "goods": None, **data}
        return cls(*_begun(host, RETURN, saga_id, order_id, Return(**told)))


class Ordered(UnderWay):
    """An order under way."""

    @classmethod
    def begun(cls, host: Host, **data: Any) -> "Ordered":
        """An order that is being created."""
        order_id = OrderId(stamped(datetime.now(UTC), "order", str(next(NUMBERS))))
        some: Any = example_of(Order)
        told = Order(**{**vars(some), "order_id": order_id, "customer_id": "cleo", **data})
        return cls(*_begun(host, ORDER, saga_id_of(order_id), order_id, told))


def _begun(
    host: Host, saga: Saga, saga_id: SagaId, order_id: OrderId, data: Any
) -> tuple[Host, Saga, SagaId, OrderId]:
    begin = runner.Beginning(saga, saga_id, order_id, data)
    host.run(lambda session: runner.start(session, [begin]))
    return host, saga, saga_id, order_id
