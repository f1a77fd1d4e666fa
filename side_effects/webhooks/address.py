"""Where a webhook may go: over https to a public address, or to a host that is named.

Named is what stands in the setting `webhook_allow`. A host's addresses are looked up once, where
the connection is made, and only public ones are connected to; so a name that means something else
a moment later (DNS rebinding) reaches nothing of ours.
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import AF_INET, AddressFamily

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from contracts.runtime.settings import Settings
from contracts.runtime.webhook import named

# Strict, so that no two parsers see two hosts in it; nobody is named before the host.
URL = re.compile(
    r"(?P<scheme>https?)://(?P<netloc>(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?)"
    r"([/?][\x21-\x7e]*)?",
    re.IGNORECASE,
)
NAT64 = IPv6Network("64:ff9b::/96")


class NotAllowed(ValueError):
    """A webhook may not go there."""


def refusal(url: str, settings: Settings) -> str:
    """Why a webhook may not go there, empty when it may; a host name is looked at when used."""
    found = URL.fullmatch(url)
    if not found:
        return "it is not https://host/path"
    if _named(found, settings):
        return ""
    if found["scheme"].lower() != "https":
        return "it is not https"
    return "" if _may_be_public(found["host"]) else f"{found['host']} is not a public address"


def resolver_for(url: str, settings: Settings) -> AbstractResolver:
    """What looks up the host of `url`: for a host that is not named, public addresses only."""
    plain, found = aiohttp.ThreadedResolver(), URL.fullmatch(url)
    return plain if found and _named(found, settings) else PublicResolver(plain)


class PublicResolver(AbstractResolver):
    """Resolves to public addresses and to no others."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of `host`; `NotAllowed` when it has none."""
        found = await self._resolver.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise NotAllowed(f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Give back what the resolver holds."""
        await self._resolver.close()


def is_public(host: str) -> bool:
    """Whether an IP address belongs to the public internet, also one wrapped in IPv6."""
    address = _unwrapped(ip_address(host.partition("%")[0]))
    return address.is_global and not address.is_multicast


def _may_be_public(host: str) -> bool:
    """Whether it is a public IP address, or a name: what only looks like an address is neither,
    and would be taken for one without being looked up (127.1, 2130706433)."""
    try:
        return is_public(host.strip("[]"))
    except ValueError:
        return not host.replace(".", "").isdigit() and ":" not in host


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _named(url: re.Match[str], settings: Settings) -> bool:
    return bool({url["netloc"], url["host"]} & named(settings))
