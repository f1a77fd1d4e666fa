"""A step with its participant, a subscriber and a saga are added as the README says, and run.

What is added stands in `extensions/`, laid out as the repository is. A copy of the code gets all
of it, and a real stack of that copy (PostgreSQL, simulators, every service) takes an order.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from contracts.messages.values import MessageId
from deploy.client import Platform
from deploy.services import ROOT
from orchestrator.sagas import SAGAS
from tests.conftest import let_in
from tests.system.conftest import wait_until

ADDED = Path(__file__).parent / "extensions"
PACKAGES = ("contracts", "orchestrator", "participants", "side_effects", "deploy")
Change = tuple[str, str, str]  # a file, a line of it, and what is put before that line
CHANGES: dict[str, tuple[Change, ...]] = {
    "step": (
        (
            "orchestrator/sagas/order_data.py",
            "from contracts.messages.inventory import (",
            "from contracts.messages.gifts import WrapGift",
        ),
        (
            "orchestrator/sagas/order_data.py",
            "    def ship(self) -> StartShipping:",
            "    def wrap(self) -> WrapGift:\n"
            '        """Wrap it."""\n'
            "        return WrapGift(order_id=self.order_id)\n",
        ),
        (
            "orchestrator/sagas/order.py",
            '        step(\n            "start shipping",',
            '        step("wrap gift", do=Order.wrap),',
        ),
        (
            "orchestrator/sagas/__init__.py",
            "SAGAS: dict",
            "ORDER_1 = replace(ORDER, version=1, steps=tuple(\n"
            '    part for part in ORDER.steps if getattr(part, "name", "") != "wrap gift"\n'
            "))",
        ),
        ("orchestrator/sagas/__init__.py", "from orchestrator", "from dataclasses import replace"),
    ),
    "subscriber": (),
    "saga": (
        (
            "orchestrator/sagas/__init__.py",
            "from orchestrator.sagas.order ",
            "from orchestrator.sagas.counter import COUNTER",
        ),
    ),
}
SWAP = """
import os
import sys
from pathlib import Path
from contracts.delivery.due import Host
from contracts.messages.values import CustomerId, Line, Money, OrderId, SagaId, Sku
from contracts.runtime.settings import settings
from deploy.cli.common import found
from orchestrator.sagas.counter import COUNTER
from orchestrator.sagas.counter_data import Swap
from orchestrator.shell import runner

os.environ.update(found(Path(sys.argv[1])).everything())
host = Host(runner.orchestrator, settings(), lambda *_: None)
line = Line(sku=Sku("MUG"), quantity=1, unit_price=Money(amount=0, currency="GBP"))
data = Swap(
    order_id=OrderId(sys.argv[2]), customer_id=CustomerId("ann"), points=80, lines=(line,)
)
begun = runner.Beginning(COUNTER, SagaId(sys.argv[2]), sys.argv[2], data)
host.run(lambda session: runner.start(session, [begun]))
"""


@dataclass
class Extended:
    """A stack of the copy."""

    code: Path
    data: Path

    def concerto(self, *arguments: str) -> str:
        """What a command of the copy prints."""
        return self.python("-m", "deploy.cli", *arguments)

    def python(self, *arguments: str) -> str:
        """What Python prints with the code of the copy."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.code,
            env={**os.environ, "PYTHONPATH": str(self.code)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout or done.stderr

    def standing(self) -> Any:
        """How the stack stands."""
        return json.loads(self.concerto("status", "--data", str(self.data), "--json"))

    def rows(self, service: str, query: str) -> list[Any]:
        """What a query finds as a service."""
        url = self.standing()["database"][service]
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(query)))
        finally:
            engine.dispose()

    def ended(self, saga: str, status: str) -> bool:
        """Whether a saga has ended so."""
        of = f"SELECT 1 FROM orchestrator.sagas WHERE id = '{saga}' AND status = '{status}'"
        return bool(self.rows("orchestrator", of))


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extended]:
    """A copy of the code with all three added, and its stack, which runs in one process."""
    folder = tmp_path_factory.mktemp("extended")
    let_in(folder)
    code = folder / "code"
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in CHANGES:
        _add(name, code)
    stack = Extended(code, folder / "data")
    how = ("--broker", "none", "--time-scale", "0.1", "--detach")
    stack.concerto("up", "--data", str(stack.data), *how)
    try:
        yield stack
    finally:
        stack.concerto("down", "--data", str(stack.data))


def _add(name: str, code: Path) -> None:
    """Add one extension to the copy."""
    shutil.copytree(ADDED / name, code, dirs_exist_ok=True)
    for path, before, added in CHANGES[name]:
        told = (code / path).read_text()
        assert before in told, f"{path} has no line {before}"
        (code / path).write_text(told.replace(before, f"{added}\n{before}", 1))
    if name == "step":
        _replace(code / "orchestrator/sagas/order.py", "version=1", "version=2")
        _replace(code / "orchestrator/sagas/__init__.py", "in (ORDER,", "in (ORDER_1, ORDER,")
    if name == "saga":
        _replace(code / "orchestrator/sagas/__init__.py", "in (", "in (COUNTER, ")


def _replace(path: Path, old: str, new: str) -> None:
    told = path.read_text()
    assert old in told
    path.write_text(told.replace(old, new, 1))


def lines_of(name: str) -> int:
    """How many lines an extension takes, without empty ones."""
    files = [path.read_text() for path in (ADDED / name).rglob("*.py")]
    changed = [added for _, _, added in CHANGES[name]]
    return sum(bool(line.strip()) for part in (*files, *changed) for line in part.splitlines()) + (
        len({path for path, _, _ in CHANGES[name]} - {"orchestrator/sagas/order_data.py"})
    )


@pytest.mark.parametrize(("name", "most"), [("step", 60), ("subscriber", 20), ("saga", 65)])
def test_it_takes_no_more_lines_than_the_readme_promises(name: str, most: int) -> None:
    """Files and changes together."""
    assert lines_of(name) <= promised(name) == most


def promised(heading: str) -> int:
    """The number of lines in the README's section."""
    section = (ROOT / "README.md").read_text().split(f"## Add a {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"at most (\d+) lines", section)
    assert found
    return int(found.group(1))


def test_a_subscriber_is_a_folder_of_its_own() -> None:
    """It touches no other file."""
    added = {path.parent for path in (ADDED / "subscriber").rglob("*.py")}
    assert added == {ADDED / "subscriber/side_effects/weather"}
    assert not CHANGES["subscriber"]


def test_the_definitions_are_right(extended: Extended) -> None:
    """`concerto check` finds no fault in two more."""
    told = extended.concerto("check")
    assert told.startswith(f"{len(SAGAS) + 2} saga(s) checked: nothing is wrong")


def test_an_order_takes_the_new_step_and_the_new_subscriber_hears_of_it(extended: Extended) -> None:
    """One order, confirmed: wrapped, and shone upon."""
    standing = extended.standing()
    http = Platform(standing["url"], standing["token"])
    http.call("PUT", "/stock/TEA", {"quantity": 5})
    price = {"amount": 450, "currency": "GBP"}
    body = {
        "customer_id": "ann",
        "currency": "GBP",
        "lines": [{"sku": "TEA", "quantity": 2, "unit_price": price}],
        "payment": {"method": "card", "token": "pm_card_visa"},
        "ship_to": {
            "name": "Ann",
            "email": "ann@shop.example",
            "line1": "1 Road",
            "city": "York",
            "postcode": "YO1",
            "country": "GB",
        },
    }
    order = http.call("POST", "/orders", body, **{"Idempotency-Key": "gift"})["id"]
    wrapped = "SELECT order_id::text FROM gifts.gifts"
    wait_until("it is wrapped", lambda: extended.rows("gifts", wrapped) == [(order,)])

    def heard() -> list[str]:
        events = http.get(f"/events?order={order}")["events"]
        of = [e["id"] for e in events if e["type"].split(".")[1] == "OrderConfirmed"]
        told = http.get(f"/events/{of[0]}/deliveries") if of else []
        return [one["state"] for one in told if one["subscriber"] == "weather"]

    wait_until("the subscriber has handled it", lambda: heard() == ["handled"])


def test_the_new_saga_runs_to_its_end_or_undoes_itself(extended: Extended) -> None:
    """Goods for points, where there are points; and nothing held where there are none."""
    standing = extended.standing()
    http = Platform(standing["url"], standing["token"])
    http.call("PUT", "/stock/MUG", {"quantity": 5})
    more = {"points": 100, "reason": "for the test"}
    http.call("POST", "/loyalty/ann/adjust", more, **{"Idempotency-Key": "swap"})
    swaps = [MessageId(f"01900000-0000-8000-8000-00000000000{n}") for n in (1, 2)]
    for swap, end in zip(swaps, ("completed", "undone"), strict=True):
        extended.python("-c", SWAP, str(extended.data), swap)
        wait_until(f"the swap is {end}", partial(extended.ended, swap, end))
    assert http.get("/stock/MUG")["reserved"] == 1
