"""A CRM that takes signed webhooks and counts each `webhook-id` once."""

import argparse
import os

from aiohttp import web

from deploy.simulators.receiver import Receiver
from deploy.simulators.simulator import Simulator, serve


def make(options: argparse.Namespace) -> web.Application:
    """The CRM's app; the shared secret is in CONCERTO_CRM_SECRET."""
    return Receiver(Simulator(options.data), "/hooks", os.environ["CONCERTO_CRM_SECRET"]).app()


if __name__ == "__main__":
    serve("A CRM that takes signed webhooks", make)
