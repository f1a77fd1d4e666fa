"""Webhooks reach the public internet over https, and inside only what is named."""

import asyncio
from socket import AF_INET, AddressFamily

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from contracts.runtime.settings import Settings
from side_effects.webhooks.address import NotAllowed, PublicResolver, is_public, refusal
from side_effects.webhooks.posting import Post, _posted

CONFIG = Settings(webhook_allow="127.0.0.1:9, shop.test")


class Told(AbstractResolver):
    """Resolves every name to these addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        """These addresses."""
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0)
            for ip in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks",
        "https://8.8.8.8:8443/",
        "https://[2001:4860:4860::8888]/x?y=1",
        "http://127.0.0.1:9/hooks",
        "http://shop.test:81/hooks",
    ],
)
def test_a_webhook_may_go_there(url: str) -> None:
    """To a public address over https, or to what was named."""
    assert refusal(url, CONFIG) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hooks",
        "ftp://shop.test/",
        "https://127.0.0.1/",
        "https://127.0.0.1:10/",
        "https://127.1/",
        "https://2130706433/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fd00::1]/",
        "https://[fe80::1%25eth0]/",
        "https://user@shop.example/",
        "https://shop.example\\@127.0.0.1/",
        "https://shop.example/a b",
        "https://",
        "https://[::1",
    ],
)
def test_a_webhook_may_not_go_there(url: str) -> None:
    """Nothing private, however it is written, and nothing that two parsers read differently."""
    assert refusal(url, CONFIG)


def test_only_public_addresses_of_a_name_are_connected_to() -> None:
    """Of several the public ones are left; where none is, it is refused."""
    mixed = PublicResolver(Told("127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1"))
    found = asyncio.run(mixed.resolve("shop.example", 443))
    assert [each["host"] for each in found] == ["8.8.8.8"]
    with pytest.raises(NotAllowed, match="no public address"):
        asyncio.run(PublicResolver(Told("192.168.1.1")).resolve("shop.example", 443))


def test_a_name_that_means_this_machine_is_not_connected_to() -> None:
    """`localhost` passes as a name and is refused when it is looked up."""
    assert refusal("https://localhost/", Settings()) == ""
    post = Post(endpoint_id="e", event_id="v", url="https://localhost/", body="", headers={})
    with pytest.raises(NotAllowed, match="localhost has no public address"):
        asyncio.run(_posted(post, Settings()))


def test_ip_addresses_in_any_wrapping_are_judged_by_what_they_reach() -> None:
    """Also those with a zone."""
    assert is_public("2001:4860:4860::8888")
    assert not is_public("fe80::1%eth0")
