"""How the CRM is told: one signed POST, which it deduplicates by `webhook-id`."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from contracts.delivery.outside import Outside
from contracts.delivery.posting import post
from contracts.delivery.service import Intent, Outcome
from contracts.messages.values import ContactId


@dataclass(frozen=True, kw_only=True)
class Post(Intent):
    """What the CRM is to be told; the person is filled in when it is sent."""

    deadline_seconds: ClassVar[float] = 5.0
    attempts: ClassVar[int] = 20
    contact_id: ContactId
    about: str
    kind: str
    data: dict[str, Any]


async def send(told: Post, outside: Outside) -> Outcome:
    """Post it, with the contact as it is now."""
    contact = asdict(await outside.contacts.get(told.contact_id))
    said = {"type": told.kind, "data": {**told.data, "contact": contact}}
    secret = outside.settings.crm_secret.get_secret_value()
    return await post(outside, "the CRM", outside.settings.crm_url, secret, told.key, said)
