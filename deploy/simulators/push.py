"""A push gateway: takes signed pushes, delivers each `webhook-id` once, and knows who is gone.

`gone` is a text in the token of devices that are not there any more: 410, for good.
"""

import argparse
import os
from typing import Any

from aiohttp import web

from deploy.simulators.receiver import Receiver
from deploy.simulators.simulator import Simulator, serve


def make(options: argparse.Namespace) -> web.Application:
    """The gateway's app; the shared secret is in CONCERTO_PUSH_SECRET."""
    simulator = Simulator(options.data, gone="")

    def refuses(push: Any) -> str:
        gone = simulator.faults["gone"]
        return "no such device" if gone and gone in push["to"] else ""

    return Receiver(simulator, "/pushes", os.environ["CONCERTO_PUSH_SECRET"], refuses).app()


if __name__ == "__main__":
    serve("A push gateway", make)
