"""Contacts are asked for together; who gives up waiting harms nobody else."""

import asyncio
from typing import Any

import pytest

from contracts.messages.values import ContactId
from contracts.runtime.contacts import Contact, Contacts

ANN, BOB, EVE = (ContactId(name) for name in ("ann", "bob", "eve"))


@pytest.mark.parametrize("outage", [False, True])
def test_one_that_gives_up_waiting_harms_nobody_else(
    outage: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time ran out while all were asked for: the others get their contact, or why not."""

    async def asked() -> list[Any]:
        asking, answered = asyncio.Event(), asyncio.Event()

        async def post(_: Contacts, ids: list[ContactId]) -> dict[ContactId, Contact]:
            asking.set()
            await answered.wait()
            if outage:
                raise ConnectionError("users is down")
            return {each: Contact(contact_id=each) for each in ids if each != EVE}

        monkeypatch.setattr(Contacts, "_post", post)
        contacts = Contacts(None, "", "")  # type: ignore[arg-type]  # nothing is sent here
        waiting = [asyncio.create_task(contacts.get(each)) for each in (ANN, BOB, EVE)]
        await asking.wait()
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        answered.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = asyncio.run(asked())
    kinds = [ConnectionError] * 2 if outage else [Contact, KeyError]
    assert [type(each) for each in found] == [asyncio.CancelledError, *kinds]
