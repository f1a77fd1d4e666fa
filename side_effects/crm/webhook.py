"""How the CRM is told: one POST signed as Standard Webhooks, which it deduplicates by `webhook-id`.

https only, but for hosts that the setting `webhook_allow` names; no redirects; a short deadline.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused
from contracts.messages.values import ContactId
from contracts.runtime.settings import Settings

LATER = (408, 425, 429)


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


def allowed(url: str, settings: Settings) -> bool:
    """Whether a webhook may go there: https, or a host that was named."""
    address = urlsplit(url)
    named = {host.strip() for host in settings.webhook_allow.split(",") if host.strip()}
    return address.scheme == "https" or bool({address.netloc, address.hostname} & named)


def signed(identity: str, body: str, secret: str) -> dict[str, str]:
    """The headers of a signed post (Standard Webhooks 1.0)."""
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(identity, now, body),
    }
