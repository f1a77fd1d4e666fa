"""An HTTP server in this process that takes posts, answers as it is told and keeps what came."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_SECONDS = 10.0


@dataclass
class Receiver:
    """What came, headers in lower case; `status` is what it answers, while it may `go` on."""

    url: str = ""
    status: int = 200
    location: str = ""
    go: threading.Event = field(default_factory=threading.Event)
    taken: list[tuple[dict[str, str], str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)  # the same, where it is no text


@contextmanager
def receiver() -> Iterator[Receiver]:
    """The server while the block lasts."""
    at_work = Receiver()
    at_work.go.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {k.lower(): v for k, v in self.headers.items()}
            at_work.bodies.append(body)
            at_work.taken.append((headers, body.decode(errors="replace")))
            at_work.go.wait(timeout=PATIENCE_SECONDS)
            self.send_response(at_work.status)
            if at_work.location:
                self.send_header("Location", at_work.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    at_work.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield at_work
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()
