"""A payment provider in the shape of Stripe's API v1, with every fault a provider has.

The payment method chooses the fate: `pm_card_visa` is accepted, `pm_card_chargeDeclined` declined;
`pm_sim_timeout_before` (the first call is lost before its effect), `pm_sim_timeout_after` (the
effect happens and the first answer never comes), `pm_sim_unknown` (the effect happens, and no call
about it is answered while the switch `unknown_silent` is on), `pm_sim_500_after` (the effect
happens, the answer is a 500, and the replay under the same key is the same 500).
"""

import argparse
import asyncio
import hashlib
import os
from collections.abc import Callable
from typing import Any

from aiohttp import web

from deploy.simulators.simulator import NEVER_SECONDS, Simulator, serve

Answer = tuple[int, dict[str, Any]]


class Provider:
    """Payment intents by id, and answers by idempotency key."""

    def __init__(self, simulator: Simulator, key: str) -> None:
        self._simulator, self._key = simulator, key
        self.intents: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, tuple[str, Answer]] = {}
        self._calls: dict[str, int] = {}
        for record in simulator.records:
            self._replay(record)

    def app(self) -> web.Application:
        """The provider's routes."""
        app = self._simulator.app()
        app.router.add_post("/v1/payment_intents", self.create)
        app.router.add_get("/v1/payment_intents", self.listed)
        app.router.add_get("/v1/payment_intents/search", self.search)
        app.router.add_get("/v1/payment_intents/{id}", self.read)
        app.router.add_post("/v1/payment_intents/{id}/capture", self.capture)
        app.router.add_post("/v1/payment_intents/{id}/cancel", self.cancel)
        return app

    async def create(self, request: web.Request) -> web.Response:
        """Create and confirm an intent, once for each idempotency key."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        return await self._once(request, form, form.get("payment_method", ""), self._create)

    async def capture(self, request: web.Request) -> web.Response:
        """Take what is held."""
        return await self._change(request, "requires_capture", "succeeded")

    async def cancel(self, request: web.Request) -> web.Response:
        """Let go of what is held."""
        return await self._change(request, "requires_capture", "canceled")

    async def read(self, request: web.Request) -> web.Response:
        """One intent."""
        intent = self.intents.get(request.match_info["id"])
        if intent is None:
            return _response(_error(404, "invalid_request_error", "resource_missing"))
        await self._silence(intent["payment_method"])
        return _response((200, intent))

    async def listed(self, _: web.Request) -> web.Response:
        """All intents."""
        return _response((200, _list(list(self.intents.values()))))

    async def search(self, request: web.Request) -> web.Response:
        """Intents whose metadata has an order id: metadata['order_id']:'…'."""
        order = request.query.get("query", "").split(":", 1)[-1].strip("'\"")
        found = [i for i in self.intents.values() if i["metadata"].get("order_id") == order]
        for intent in found:
            await self._silence(intent["payment_method"])
        return _response((200, _list(found)))

    async def _once(
        self, request: web.Request, form: dict[str, str], method: str, do: Callable[..., Answer]
    ) -> web.Response:
        if not self._allowed(request):
            return _response(_error(401, "invalid_request_error", "api_key_invalid"))
        key = request.headers.get("Idempotency-Key", "")
        shape = hashlib.sha256(repr((request.path, sorted(form.items()))).encode()).hexdigest()
        known = self._answers.get(key) if key else None
        if known and known[0] != shape:
            return _response(_error(400, "idempotency_error", "idempotency_key_reused"))
        if method == "pm_sim_timeout_before" and self._first(key):
            await asyncio.sleep(NEVER_SECONDS)
        answer = known[1] if known else do(request, form)
        if key and not known:
            self._answers[key] = (shape, answer)
            self._simulator.record(kind="answer", key=key, print=shape, answer=list(answer))
        if method == "pm_sim_timeout_after" and self._first(key):
            await asyncio.sleep(NEVER_SECONDS)
        await self._silence(method)
        return _response(answer, replayed=bool(known))

    async def _change(self, request: web.Request, needs: str, becomes: str) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        intent = self.intents.get(request.match_info["id"])
        if intent is None:
            return _response(_error(404, "invalid_request_error", "resource_missing"))

        def change(_: web.Request, __: dict[str, str]) -> Answer:
            if intent["status"] != needs:
                return _error(400, "invalid_request_error", "payment_intent_unexpected_state")
            return 200, self._keep({**intent, "status": becomes, **_taken(intent, becomes)})

        return await self._once(request, form, intent["payment_method"], change)

    def _create(self, _: web.Request, form: dict[str, str]) -> Answer:
        method = form.get("payment_method", "")
        if method == "pm_card_chargeDeclined":
            return _error(402, "card_error", "card_declined", "Your card was declined.")
        intent = self._keep(_intent(len(self.intents) + 1, form))
        if method == "pm_sim_500_after":
            return _error(500, "api_error", "internal")
        return 200, intent

    def _keep(self, intent: dict[str, Any]) -> dict[str, Any]:
        self.intents[intent["id"]] = intent
        self._simulator.record(kind="intent", intent=intent)
        return intent

    def _replay(self, record: dict[str, Any]) -> None:
        if record["kind"] == "intent":
            self.intents[record["intent"]["id"]] = record["intent"]
        else:
            status, body = record["answer"]
            self._answers[record["key"]] = (record["print"], (status, body))

    def _first(self, key: str) -> bool:
        self._calls[key] = self._calls.get(key, 0) + 1
        return self._calls[key] == 1

    def _allowed(self, request: web.Request) -> bool:
        return not self._key or request.headers.get("Authorization") == f"Bearer {self._key}"

    async def _silence(self, method: str) -> None:
        if method == "pm_sim_unknown" and self._simulator.faults["unknown_silent"]:
            await asyncio.sleep(NEVER_SECONDS)


def _intent(number: int, form: dict[str, str]) -> dict[str, Any]:
    metadata = {
        name[len("metadata[") : -1]: value
        for name, value in form.items()
        if name.startswith("metadata[")
    }
    held = form.get("capture_method") == "manual"
    return {
        "id": f"pi_{number:010d}",
        "object": "payment_intent",
        "amount": int(form["amount"]),
        "amount_received": 0,
        "amount_capturable": int(form["amount"]) if held else 0,
        "currency": form["currency"],
        "capture_method": form.get("capture_method", "automatic"),
        "payment_method": form.get("payment_method"),
        "metadata": metadata,
        "status": "requires_capture" if held else "succeeded",
    }


def _taken(intent: dict[str, Any], becomes: str) -> dict[str, int]:
    taken = intent["amount"] if becomes == "succeeded" else 0
    return {"amount_received": taken, "amount_capturable": 0}


def _list(intents: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": intents, "has_more": False}


def _error(status: int, kind: str, code: str, message: str = "") -> Answer:
    return status, {"error": {"type": kind, "code": code, "message": message or code}}


def _response(answer: Answer, replayed: bool = False) -> web.Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    return web.json_response(answer[1], status=answer[0], headers=headers)


def make(options: argparse.Namespace) -> web.Application:
    """The provider's app; its key is in CONCERTO_PAYMENT_KEY."""
    simulator = Simulator(options.data, unknown_silent=True)
    return Provider(simulator, os.environ.get("CONCERTO_PAYMENT_KEY", "")).app()


if __name__ == "__main__":
    serve("A payment provider in the shape of Stripe's API v1", make)
