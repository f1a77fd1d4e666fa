"""A signed post to a receiver outside: where it may go, and how it is signed.

Standard Webhooks 1.0. https only, but for hosts that the setting `webhook_allow` names.
"""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from contracts.runtime.settings import Settings

LATER = (408, 425, 429)  # refusals that mean: not now


def allowed(url: str, settings: Settings) -> bool:
    """Whether a post may go there: https, or a host that was named."""
    address = urlsplit(url)
    return address.scheme == "https" or bool({address.netloc, address.hostname} & named(settings))


def named(settings: Settings) -> set[str | None]:
    """The hosts, with their port or all of them, that the setting `webhook_allow` names."""
    return {host.strip() for host in settings.webhook_allow.split(",") if host.strip()}


def signed(identity: str, body: str, secret: str) -> dict[str, str]:
    """The headers of a signed post; the receiver knows it again by `identity`."""
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(identity, now, body),
    }
