"""How an import bears with a platform that is busy, and what it does not repeat."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from deploy.client import Answered, Platform
from deploy.retail.calls import Calls, at, in_flight


@pytest.fixture
def answering() -> Iterator[tuple[Calls, list[int], list[str]]]:
    """Calls to a server that answers with these statuses in turn, and the paths it was asked."""
    statuses: list[int] = []
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = b'{"title": "so it is"}'
            self.send_response(statuses.pop(0))
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Calls(lambda: Platform(f"http://127.0.0.1:{server.server_port}", "")), statuses, asked
    server.shutdown()
    server.server_close()


def test_a_busy_platform_is_asked_again(answering: tuple[Calls, list[int], list[str]]) -> None:
    """429 and 503 are waited out."""
    calls, statuses, asked = answering
    statuses += [429, 503, 200]
    assert calls.get("/x") == {"title": "so it is"}
    assert asked == ["/x"] * 3


def test_a_refusal_is_final(answering: tuple[Calls, list[int], list[str]]) -> None:
    """422 is not repeated; 404 of a look is the answer that there is nothing."""
    calls, statuses, asked = answering
    statuses += [422, 404]
    with pytest.raises(Answered, match="so it is"):
        calls.get("/x")
    assert calls.look(at("/stock", "A B/ü?"), on_hand=0) == {"on_hand": 0}
    assert asked == ["/x", "/stock/A%20B%2F%C3%BC%3F"]


def test_answers_come_in_the_order_of_the_questions() -> None:
    """However many are on their way at once."""
    assert list(in_flight(lambda n: n * n, range(50), 3)) == [(n, n * n) for n in range(50)]
