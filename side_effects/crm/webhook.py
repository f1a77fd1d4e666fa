"""How the CRM is told: one POST signed as Standard Webhooks, which it deduplicates by `webhook-id`.

https only, but for hosts that the setting `webhook_allow` names; no redirects; a short deadline.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused
from contracts.messages.values import ContactId
from contracts.runtime.webhook import LATER, allowed, signed


@dataclass(frozen=True, kw_only=True)
class Post(Intent):
    """What the CRM is to be told; the person is filled in when it is sent."""

    deadline_seconds: ClassVar[float] = 5.0
    attempts: ClassVar[int] = 20
    contact_id: ContactId
    about: str
    kind: str
    data: dict[str, Any]


class NotTaken(RuntimeError):
    """The CRM did not take it now; it is sent again."""


async def send(post: Post, outside: Outside) -> Outcome:
    """Post it; a 4xx is final, but for those that mean later."""
    url = outside.settings.crm_url
    if not allowed(url, outside.settings):
        return Refused(reason=f"{url} is neither https nor in CONCERTO_WEBHOOK_ALLOW")
    contact = asdict(await outside.contacts.get(post.contact_id))
    body = json.dumps({"type": post.kind, "data": {**post.data, "contact": contact}})
    headers = signed(post.key, body, outside.settings.crm_secret.get_secret_value())
    async with outside.http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        if answer.status < 300:
            return Done()
        if 400 <= answer.status < 500 and answer.status not in LATER:
            return Refused(reason=f"the CRM answered {answer.status}")
        raise NotTaken(f"the CRM answered {answer.status}")
