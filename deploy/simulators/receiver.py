"""Whoever takes signed webhooks (Standard Webhooks) and counts each `webhook-id` once."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.simulators.simulator import Simulator

Refuses = Callable[[Any], str]


class Receiver:
    """Keeps the posts that were signed, the first of each id marked as new; `refuses` says what is
    wrong with one for good, if something is."""

    def __init__(
        self, simulator: Simulator, path: str, secret: str, refuses: Refuses = lambda _: ""
    ) -> None:
        self._simulator, self._path, self._refuses = simulator, path, refuses
        self._webhook = Webhook(secret)
        self._seen = {record["id"] for record in simulator.records}

    def app(self) -> web.Application:
        """Its routes."""
        app = self._simulator.app()
        app.router.add_post(self._path, self.take)
        return app

    async def take(self, request: web.Request) -> web.Response:
        """One post; 401 when the signature is not ours, 410 when it is refused."""
        body = await request.text()
        try:
            self._webhook.verify(body, dict(request.headers))
        except WebhookVerificationError as error:
            return web.json_response({"error": str(error)}, status=401)
        said = json.loads(body)
        if wrong := self._refuses(said["data"]):
            return web.json_response({"error": wrong}, status=410)
        identity = request.headers["webhook-id"]
        new = identity not in self._seen
        self._seen.add(identity)
        self._simulator.record(id=identity, new=new, type=said["type"], data=said["data"])
        return web.json_response({"taken": new})
