"""What a performer is given to reach the outside: one HTTP client, the settings, and contacts."""

from dataclasses import dataclass

import aiohttp

from contracts.runtime.contacts import Contacts
from contracts.runtime.settings import Settings


@dataclass(frozen=True)
class Outside:
    """One for each process, made in the performers' event loop and closed with it."""

    settings: Settings
    http: aiohttp.ClientSession
    contacts: Contacts
