"""Names and addresses stay with `users`; who may, asks for them here, many at once."""

import asyncio
from dataclasses import dataclass

import aiohttp

from contracts.messages.values import ContactId

MOST = 200


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person's name and address. `erased` ones have empty fields."""

    contact_id: ContactId
    name: str = ""
    email: str = ""
    line1: str = ""
    city: str = ""
    postcode: str = ""
    country: str = ""


class Contacts:
    """Asks the users service for contacts, with one call at a time: who comes meanwhile is asked
    for, together with all others, by the next."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http, self._url, self._token = http, url, token
        self._asked: dict[ContactId, asyncio.Future[Contact]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def get(self, contact_id: ContactId) -> Contact:
        """The contact; `KeyError` when users does not know it, client errors as they come."""
        if contact_id not in self._asked:
            self._asked[contact_id] = asyncio.get_running_loop().create_future()
        asked = self._asked[contact_id]
        if not self._asking or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asked

    async def _ask(self) -> None:
        while self._asked:
            await asyncio.sleep(0)  # who else wants one in this turn of the loop comes along
            ids = list(self._asked)[:MOST]
            await self._fetch({contact_id: self._asked.pop(contact_id) for contact_id in ids})

    async def _fetch(self, asked: dict[ContactId, asyncio.Future[Contact]]) -> None:
        try:
            found: dict[ContactId, Contact] | Exception = await self._post(list(asked))
        except Exception as error:
            found = error
        for contact_id, future in asked.items():
            if future.done():  # whoever waited for it has given up
                continue
            if isinstance(found, Exception):
                future.set_exception(found)
            elif contact_id in found:
                future.set_result(found[contact_id])
            else:
                future.set_exception(KeyError(contact_id))

    async def _post(self, ids: list[ContactId]) -> dict[ContactId, Contact]:
        headers = {"Authorization": f"Bearer {self._token}"}
        url = f"{self._url}/internal/contacts"
        async with self._http.post(url, json={"ids": ids}, headers=headers) as answer:
            answer.raise_for_status()
            rows = await answer.json()
        return {row["contact_id"]: Contact(**row) for row in rows}
