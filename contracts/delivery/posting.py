"""Telling a receiver outside something: one signed POST under one `webhook-id` (Standard Webhooks).

https only, but for hosts that the setting `webhook_allow` names; no redirects.
"""

import json
from collections.abc import Mapping
from typing import Any

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Outcome, Refused
from contracts.runtime.webhook import LATER, allowed, signed


class NotTaken(RuntimeError):
    """The receiver did not take it now; it is sent again."""


async def post(
    outside: Outside, to: str, url: str, secret: str, identity: str, said: Mapping[str, Any]
) -> Outcome:
    """Post `said` to the receiver that people call `to`; a 4xx is final, but for those that mean
    later, and whatever is no answer to it raises."""
    if not allowed(url, outside.settings):
        return Refused(reason=f"{url} is neither https nor in CONCERTO_WEBHOOK_ALLOW")
    body = json.dumps(said)
    headers = signed(identity, body, secret)
    async with outside.http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        if answer.status < 300:
            return Done()
        if 400 <= answer.status < 500 and answer.status not in LATER:
            return Refused(reason=f"{to} answered {answer.status}")
        raise NotTaken(f"{to} answered {answer.status}")
