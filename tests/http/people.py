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
from contracts.messages.values import MessageId, OrderId, SagaId, stamped
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from orchestrator.core.sample import example_of
from orchestrator.core.turn import id_of
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
        connection = http.client.HTTPConnection(urlsplit(self.api).netloc, timeout=30)
        token = mint(settings(), self.role, self.subject)
        told = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, told)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        return answer.status, said

    def about(self, review: str, what: str, **body: Any) -> tuple[int, Any]:
        """Claim, release, reassign or decide (`decision`) a review."""
        return self("POST", f"/reviews/{review}/{what}", body)

    def decides(self, review: str, choice: str) -> tuple[int, Any]:
        """Decide a review."""
        return self.about(review, "decision", choice=choice, reason="so it is")


@dataclass
class Returned:
    """A return under way, whose services the test speaks for."""

    host: Host
    saga_id: SagaId

    @classmethod
    def begun(cls, host: Host, **data: Any) -> "Returned":
        """A return whose goods are to come: support is asked."""
        number = str(next(NUMBERS))
        order_id = OrderId(stamped(datetime.now(UTC), "order", number))
        saga_id = SagaId(stamped(datetime.now(UTC), "return", number))
        some: Any = example_of(Return)
        told = {**vars(some), "order_id": order_id, "amount": None, "goods": None, **data}
        begin = runner.Beginning(RETURN, saga_id, order_id, Return(**told))
        host.run(lambda session: runner.start(session, [begin]))
        return cls(host, saga_id)

    def answered(self, step: str, result: type[Result]) -> None:
        """The service of that step answers."""
        definition = RETURN.flat[RETURN.place[step]]
        answer = Envelope(
            id=MessageId(stamped(datetime.now(UTC), "answer", str(next(NUMBERS)))),
            message=example_of(result),  # type: ignore[arg-type]  # a class is hashable
            source="service",
            at=datetime.now(UTC),
            subject=self.saga_id,
            saga=self.saga_id,
            cause=id_of(self.saga_id, definition, "do", 1),
        )
        self.host.receive([answer])

    def review(self) -> str:
        """The review that is open."""
        with self.host.db.transaction() as session:
            saga = runner.found(session, self.saga_id)
            assert saga
            assert saga.state.review
            return saga.state.review.id
