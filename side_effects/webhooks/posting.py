"""How a post leaves: to a public address that is resolved once, without redirects, for seconds.

Whatever the endpoint does is an answer to be recorded, never an error here: an endpoint that is
down is its shop's trouble, and no dead letter of ours.
"""

from dataclasses import dataclass
from typing import ClassVar

import aiohttp

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome
from contracts.runtime.settings import Settings
from side_effects.webhooks.address import NotAllowed, refusal, resolver_for

ANSWER_SECONDS = 5.0
ANSWER_LEAST_SECONDS = 1.5
ANSWER_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Post(Intent):
    """One event for one endpoint, signed."""

    deadline_seconds: ClassVar[float] = 2 * ANSWER_SECONDS
    attempts: ClassVar[int] = 1
    endpoint_id: str
    event_id: str
    url: str
    body: str
    headers: dict[str, str]


async def send(post: Post, outside: Outside) -> Outcome:
    """Post it; the status and, when it was not taken, why."""
    try:
        status = await _posted(post, outside.settings)
    except TimeoutError:
        return Done(data={"status": None, "error": "no answer in time"})
    except (aiohttp.ClientError, OSError, ValueError, NotAllowed) as error:
        said = f"{type(error).__name__}: {error}"
        return Done(data={"status": None, "error": said[:500]})
    taken = 200 <= status < 300
    return Done(data={"status": status, "error": "" if taken else f"answered {status}"})


async def _posted(post: Post, settings: Settings) -> int:
    """The status; of the answer's body only a little is read, and none of it kept."""
    if refused := refusal(post.url, settings):
        raise NotAllowed(refused)
    seconds = settings.wait(ANSWER_SECONDS, least=ANSWER_LEAST_SECONDS).total_seconds()
    connector = aiohttp.TCPConnector(
        resolver=resolver_for(post.url, settings), use_dns_cache=False, force_close=True
    )
    async with (
        aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as http,
        http.post(post.url, data=post.body, headers=post.headers, allow_redirects=False) as answer,
    ):
        await answer.content.read(ANSWER_BYTES)
        return answer.status
