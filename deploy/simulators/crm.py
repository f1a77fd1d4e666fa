"""A CRM that takes signed webhooks (Standard Webhooks) and counts each `webhook-id` once."""

import argparse
import json
import os

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.simulators.simulator import Simulator, serve


class Crm:
    """Posts that were signed, the first of each id marked as new."""

    def __init__(self, simulator: Simulator, secret: str) -> None:
        self._simulator, self._webhook = simulator, Webhook(secret)
        self._seen = {record["id"] for record in simulator.records}

    def app(self) -> web.Application:
        """The CRM's routes."""
        app = self._simulator.app()
        app.router.add_post("/hooks", self.take)
        return app

    async def take(self, request: web.Request) -> web.Response:
        """One post; 401 when the signature is not ours."""
        body = await request.text()
        try:
            self._webhook.verify(body, dict(request.headers))
        except WebhookVerificationError as error:
            return web.json_response({"error": str(error)}, status=401)
        identity = request.headers["webhook-id"]
        said = json.loads(body)
        new = identity not in self._seen
        self._seen.add(identity)
        self._simulator.record(id=identity, new=new, type=said["type"], data=said["data"])
        return web.json_response({"taken": new})


def make(options: argparse.Namespace) -> web.Application:
    """The CRM's app; the shared secret is in CONCERTO_CRM_SECRET."""
    return Crm(Simulator(options.data), os.environ["CONCERTO_CRM_SECRET"]).app()


if __name__ == "__main__":
    serve("A CRM that takes signed webhooks", make)
