"""A payment provider in the shape of Stripe's API v1, with every fault a provider has.

The payment method chooses the fate: `pm_card_visa` is accepted, `pm_card_chargeDeclined` declined;
`pm_sim_timeout_before` (the first call is lost before its effect), `pm_sim_timeout_after` (the
effect happens and the first answer never comes), `pm_sim_unknown` (the effect happens, and no call
about it is answered while `unknown_silent` is on), `pm_sim_unreported` (that, and no webhook),
`pm_sim_500_after` (the effect happens, the answer is a 500, and so is its replay under that key).

More switches: `slow_seconds` is how long a change is under way at the provider, whether or not the
caller still waits; `search_blind` lets searches find nothing, as an index that is behind would;
`break_changes` is when a capture or cancel meets a 500: `before` or `after` its effect; `refunds`
is what becomes of a refund: `refused`, `pending`, `broken` (a 500 after its effect), `lost` (after
its effect no answer). A card that asks for authentication is authenticated at
`/sim/authenticate/{intent}`, `?outcome=succeeded` or `failed`. Webhooks: see payment_webhooks.
"""

import argparse
import asyncio
import hashlib
import os
from collections.abc import Callable
from typing import Any

from aiohttp import web

from deploy.simulators import payment_shapes as shapes
from deploy.simulators.payment_shapes import Answer, Wrong, invalid
from deploy.simulators.payment_webhooks import SWITCHES, Webhooks
from deploy.simulators.simulator import Simulator, never, serve

FAULTS = {
    "unknown_silent": True,
    "search_blind": False,
    "slow_seconds": 0.0,
    "break_changes": "",
    "refunds": "",
    **SWITCHES,
}
UNKNOWN, UNREPORTED = "pm_sim_unknown", "pm_sim_unreported"
Form = dict[str, str]
Change = Callable[[dict[str, Any], Form], dict[str, Any]]


class Provider:
    """Payment intents and refunds by id, and answers by idempotency key."""

    def __init__(self, simulator: Simulator, key: str) -> None:
        self._simulator, self._key = simulator, key
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, tuple[str, Answer]] = {}
        self._under_way: set[str] = set()
        self._calls: dict[str, int] = {}
        self._news: list[dict[str, Any]] = []
        self._base = ""
        self._webhooks = Webhooks(simulator)
        for record in simulator.records:
            self._replay(record)

    def app(self) -> web.Application:
        """The provider's routes."""
        app = self._simulator.app()
        app.middlewares.append(self._guarded)
        app.router.add_post("/v1/payment_intents", self.create)
        app.router.add_get("/v1/payment_intents", self.listed)
        app.router.add_get("/v1/payment_intents/search", self.search)
        app.router.add_get("/v1/payment_intents/{id}", self.read)
        app.router.add_post("/v1/payment_intents/{id}/capture", self.capture)
        app.router.add_post("/v1/payment_intents/{id}/cancel", self.cancel)
        app.router.add_post("/v1/refunds", self.refund)
        app.router.add_get("/v1/refunds", self.refunded)
        app.router.add_get("/v1/refunds/{id}", self.read_refund)
        app.router.add_get("/sim/authenticate/{id}", self.page)
        app.router.add_post("/sim/authenticate/{id}", self.authenticate)
        app.cleanup_ctx.append(self._webhooks.sending)
        return app

    async def create(self, request: web.Request) -> web.Response:
        """Create and confirm an intent, once for each idempotency key."""
        form = await _form(request)
        method, key = form.get("payment_method", ""), _key(request)
        first, self._base = self._first(key), str(request.url.origin())
        if method == "pm_sim_timeout_before" and first:
            await never()
        answer = await self._once(request, form, lambda: self._create(form))
        if method == "pm_sim_timeout_after" and first:
            await never()
        await self._silence(method)
        return answer

    async def capture(self, request: web.Request) -> web.Response:
        """Take what is held, or `amount_to_capture` of it."""
        return await self._change(request, shapes.captured)

    async def cancel(self, request: web.Request) -> web.Response:
        """Let go of what is held."""
        return await self._change(request, shapes.cancelled)

    async def read(self, request: web.Request) -> web.Response:
        """One intent."""
        intent = self._intent(request.match_info["id"])
        await self._silence(intent["payment_method"])
        return _response((200, intent))

    async def listed(self, request: web.Request) -> web.Response:
        """All intents, the newest first."""
        return _response((200, shapes.page([*self.intents.values()][::-1], request.query)))

    async def search(self, request: web.Request) -> web.Response:
        """Intents by one field of their metadata: metadata['order_id']:'…'."""
        name, value = shapes.wanted_metadata(request.query.get("query", ""))
        found = [i for i in self.intents.values() if i["metadata"].get(name) == value]
        for intent in found:
            await self._silence(intent["payment_method"])
        shown = [] if self._simulator.faults["search_blind"] else found[::-1]
        return _response((200, {"object": "search_result", "data": shown, "has_more": False}))

    async def refund(self, request: web.Request) -> web.Response:
        """Give back all or a part of what was taken."""
        form = await _form(request)
        intent = self._intent(form.get("payment_intent", ""))
        await self._silence(intent["payment_method"])
        fate, first = self._simulator.faults["refunds"], self._first(f"refund {_key(request)}")
        answer = await self._once(request, form, lambda: self._refund(intent["id"], form, fate))
        if fate == "lost" and first:
            await never()
        return answer

    async def read_refund(self, request: web.Request) -> web.Response:
        """One refund."""
        identity = request.match_info["id"]
        if identity not in self.refunds:
            raise invalid("resource_missing", f"No such refund: {identity!r}", 404)
        return _response((200, self.refunds[identity]))

    async def refunded(self, request: web.Request) -> web.Response:
        """The refunds, of one `payment_intent` or all, the newest first."""
        of = request.query.get("payment_intent")
        found = [r for r in self.refunds.values() if of in (None, r["payment_intent"])]
        return _response((200, shapes.page(found[::-1], request.query)))

    async def page(self, request: web.Request) -> web.Response:
        """Where the customer is sent to by the shop."""
        self._intent(request.match_info["id"])
        return web.Response(text=shapes.PAGE, content_type="text/html")

    async def authenticate(self, request: web.Request) -> web.Response:
        """The customer agrees or does not."""
        identity, outcome = request.match_info["id"], request.query.get("outcome", "")

        def decided() -> Answer:
            return 200, self._keep(shapes.authenticated(self._intent(identity), outcome))

        return _response(await self._do("", "", decided))

    async def _change(self, request: web.Request, change: Change) -> web.Response:
        form, identity = await _form(request), request.match_info["id"]
        method = self._intent(identity)["payment_method"]
        answer = await self._once(request, form, lambda: self._changed(identity, change, form))
        await self._silence(method)
        return answer

    async def _once(
        self, request: web.Request, form: Form, do: Callable[[], Answer]
    ) -> web.Response:
        """The answer first given under this key; 409 while that is under way, 400 if reused."""
        key = _key(request)
        shape = hashlib.sha256(repr((request.path, sorted(form.items()))).encode()).hexdigest()
        if key and key in self._under_way:
            raise Wrong(409, "idempotency_error", "idempotency_key_in_use")
        if key in self._answers:
            print_, answer = self._answers[key]
            if print_ != shape:
                raise Wrong(400, "idempotency_error", "idempotency_key_reused")
            return _response(answer, replayed=True)
        self._under_way.add(key)
        return _response(await asyncio.shield(asyncio.ensure_future(self._do(key, shape, do))))

    async def _do(self, key: str, shape: str, do: Callable[[], Answer]) -> Answer:
        """Do it once begun, also when nobody waits any more."""
        try:
            await asyncio.sleep(self._simulator.faults["slow_seconds"])
            answer = do()
        except Wrong as wrong:
            answer = wrong.answer
        finally:
            self._under_way.discard(key)
        if key:
            self._answers[key] = (shape, answer)
            self._news.append(
                {"kind": "answer", "key": key, "print": shape, "answer": list(answer)}
            )
        self._simulator.write(self._news)
        self._news = []
        await self._webhooks.let_out(key)
        return answer

    def _create(self, form: Form) -> Answer:
        order = shapes.metadata_in(form).get("order_id")
        known = form.get("payment_method") == shapes.DECLINED_LATER and any(
            intent["metadata"].get("order_id") == order for intent in self.intents.values()
        )
        intent = self._keep(shapes.intent_of(len(self.intents) + 1, form, known, self._base))
        if intent["status"] == "requires_payment_method":
            return shapes.declined(intent)
        if intent["payment_method"] == "pm_sim_500_after":
            return Wrong(500, "api_error", "internal").answer
        return 200, intent

    def _changed(self, identity: str, change: Change, form: Form) -> Answer:
        broken = Wrong(500, "api_error", "internal").answer
        if self._simulator.faults["break_changes"] == "before":
            return broken
        intent = self._keep(change(self._intent(identity), form))
        return broken if self._simulator.faults["break_changes"] == "after" else (200, intent)

    def _refund(self, identity: str, form: Form, fate: str) -> Answer:
        if fate == "refused":
            raise invalid("refund_refused", "The bank takes no refund for this charge.")
        intent, of = self._intent(identity), "payment_intent"
        already = sum(r["amount"] for r in self.refunds.values() if r[of] == identity)
        refund = shapes.refund_of(len(self.refunds) + 1, intent, already, form)
        self.refunds[refund["id"]] = refund
        self._news.append({"kind": "refund", "refund": refund})
        charge = shapes.charge_of(intent, already + refund["amount"])
        self._webhooks.add("refund.created", refund)
        self._webhooks.add("charge.refunded", charge)
        if fate == "broken":
            return Wrong(500, "api_error", "internal").answer
        return 200, {**refund, "status": "pending"} if fate == "pending" else refund

    def _intent(self, identity: str) -> dict[str, Any]:
        if identity not in self.intents:
            raise invalid("resource_missing", f"No such payment_intent: {identity!r}", 404)
        return self.intents[identity]

    def _keep(self, intent: dict[str, Any]) -> dict[str, Any]:
        kind = "intent" if self._ever_held(intent) else "open"
        if intent["status"] == "requires_payment_method":
            kind = "declined"
        self.intents[intent["id"]] = intent
        self._news.append({"kind": kind, "intent": intent})
        if intent["payment_method"] != UNREPORTED:
            self._webhooks.add_intent(intent)
        return intent

    def _ever_held(self, intent: dict[str, Any]) -> bool:
        before = self.intents.get(intent["id"], intent)
        return any(i["amount_capturable"] or i["amount_received"] for i in (before, intent))

    def _replay(self, record: dict[str, Any]) -> None:
        if "intent" in record:
            self.intents[record["intent"]["id"]] = record["intent"]
        elif record["kind"] == "refund":
            self.refunds[record["refund"]["id"]] = record["refund"]
        elif record["kind"] == "answer":
            status, body = record["answer"]
            self._answers[record["key"]] = (record["print"], (status, body))

    def _first(self, key: str) -> bool:
        self._calls[key] = self._calls.get(key, 0) + 1
        return self._calls[key] == 1

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Let in whoever has the key, and answer what is wrong as the provider would."""
        said = request.headers.get("Authorization")
        try:
            if request.path.startswith("/v1/") and self._key and said != f"Bearer {self._key}":
                raise invalid("api_key_invalid", "Invalid API Key provided.", 401)
            return await handler(request)  # type: ignore[no-any-return]
        except Wrong as wrong:
            return _response(wrong.answer)

    async def _silence(self, method: str | None) -> None:
        if method in (UNKNOWN, UNREPORTED) and self._simulator.faults["unknown_silent"]:
            await never()


async def _form(request: web.Request) -> Form:
    return {name: str(value) for name, value in (await request.post()).items()}


def _key(request: web.Request) -> str:
    return request.headers.get("Idempotency-Key", "")


def _response(answer: Answer, replayed: bool = False) -> web.Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    return web.json_response(answer[1], status=answer[0], headers=headers)


def make(options: argparse.Namespace) -> web.Application:
    """The provider's app; its key is in CONCERTO_PAYMENT_KEY."""
    simulator = Simulator(options.data, **FAULTS)
    return Provider(simulator, os.environ.get("CONCERTO_PAYMENT_KEY", "")).app()


if __name__ == "__main__":
    serve("A payment provider in the shape of Stripe's API v1", make)
