"""The house rules, each with the fix in its message."""

import ast
import re
import statistics
import subprocess
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from contracts.messages.base import Command
from contracts.messages.catalogue import messages
from contracts.runtime.settings import settings
from deploy.services import ROOT, services

PACKAGES = ("contracts", "deploy", "orchestrator", "participants", "side_effects")
FILE_LINES, FUNCTION_LINES, FUNCTION_MEDIAN, SAGA_LINES = 300, 40, 8, 60
TOP = {*PACKAGES, "tests", "requirements", ".ci"}
SENTENCE = re.compile(r'^(#!.*\n)?"""[^\n]{10,}')
Function = ast.FunctionDef | ast.AsyncFunctionDef


def tracked() -> list[Path]:
    """What git tracks and is there."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def python_files() -> list[Path]:
    """Every Python file that git tracks."""
    return [file for file in tracked() if file.suffix == ".py"]


def functions() -> Iterator[tuple[Path, Function, int]]:
    """Every function of the product with its file and its length in lines."""
    for file in python_files():
        if file.relative_to(ROOT).parts[0] in PACKAGES:
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, Function) and node.end_lineno:
                    yield file, node, node.end_lineno - node.lineno + 1


def test_no_file_is_too_long() -> None:
    """Split it by noun."""
    long = {str(f): n for f in python_files() if (n := f.read_text().count("\n")) > FILE_LINES}
    assert not long, f"over {FILE_LINES} lines, split by noun: {long}"


def test_functions_are_short() -> None:
    """Let what the function is named for stand on top, and its parts below."""
    found = list(functions())
    long = [f"{f}:{node.lineno} {node.name}" for f, node, n in found if n > FUNCTION_LINES]
    assert not long, f"over {FUNCTION_LINES} lines: {long}"
    assert statistics.median(n for _, _, n in found) <= FUNCTION_MEDIAN


def test_a_saga_fits_on_one_screen() -> None:
    """Name a rule above it, or let a child saga have some of its steps."""
    files = (ROOT / "orchestrator/sagas").glob("*.py")
    values = [node for file in files for node in ast.parse(file.read_text()).body]
    lengths = {
        ast.unparse(node.targets[0]): node.end_lineno - node.lineno + 1
        for node in values
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Saga(")
        if node.end_lineno
    }
    assert {"ORDER", "PARCEL"} <= set(lengths)
    assert max(lengths.values()) <= SAGA_LINES, f"over {SAGA_LINES} lines: {lengths}"


def test_every_module_begins_with_a_sentence() -> None:
    """Its first line says what the module decides."""
    silent = [str(file) for file in python_files() if not SENTENCE.match(file.read_text())]
    assert not silent, f"no opening sentence: {silent}"


def test_nothing_is_left_for_later() -> None:
    """Do it, or open an issue."""
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")
    found = [str(file) for file in python_files() if marks.search(file.read_text())]
    assert not found


def test_no_test_sleeps() -> None:
    """Wait for a condition until a deadline."""
    naps = re.compile(r"\bsleep\(")
    tests = [f for f in python_files() if f.relative_to(ROOT).parts[0] == "tests"]
    assert not [str(file) for file in tests if naps.search(file.read_text())]


def test_nothing_names_a_machine_or_an_index() -> None:
    """Paths and addresses of one machine belong in nobody's checkout."""
    named = re.compile(
        r"(?<![\w.])/(wo" + r"rk|ro" + r"ot|home/\w+)/|pypi\.or" + r"g|extra-in" + r"dex"
    )
    texts = [
        f for f in tracked() if f.suffix in (".py", ".md", ".toml", ".txt", "", ".yaml", ".svg")
    ]
    assert not [str(file) for file in texts if named.search(file.read_text())]


def test_the_top_holds_only_what_the_design_has() -> None:
    """A new folder at the top needs a decision record."""
    folders = {
        f.relative_to(ROOT).parts[0] for f in tracked() if len(f.relative_to(ROOT).parts) > 1
    }
    assert folders <= TOP


def test_every_command_has_exactly_one_handler() -> None:
    """In the service that it names."""
    handled = [m for s in services() for m in s.load().handled if issubclass(m, Command)]
    commands = [m for m in messages().values() if issubclass(m, Command)]
    assert sorted(m.__name__ for m in handled) == sorted(m.__name__ for m in commands)
    for service in services():
        for message in service.load().handled:
            assert not issubclass(message, Command) or message.to == service.name


def test_every_published_result_says_whom_it_concerns() -> None:
    """A public result is found by its order."""
    public = [m for m in messages().values() if getattr(m, "public", False)]
    assert public
    assert all("order_id" in message.__dataclass_fields__ for message in public)


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_a_service_has_the_same_few_files(service: object) -> None:
    """The next person reads one folder and knows the others."""
    from deploy.services import Known

    assert isinstance(service, Known)
    folder = ROOT.joinpath(*service.package.split("."))
    assert (folder / "tables.py").exists() == (folder / "migrations").exists()
    assert (folder / "worker.py").exists()
    assert list(service.migrations.glob("0001_*.py"))
    assert import_module(service.worker.rsplit(".", 1)[0]).__doc__


@pytest.mark.parametrize(
    "service", [s for s in services() if s.kind == "side_effect"], ids=lambda service: service.name
)
def test_a_consumer_declares_how_it_tries_again(service: object) -> None:
    """`concerto consumers` shows it."""
    from deploy.services import Known

    assert isinstance(service, Known)
    source = ROOT.joinpath(*service.package.split("."), f"{service.head}.py").read_text()
    assert f'Service("{service.name}", Retries(attempts=' in source


def test_every_setting_says_what_it_means() -> None:
    """`concerto settings` prints it."""
    assert all(field.description for field in type(settings()).model_fields.values())


def api_routes(routes: Iterable[Any]) -> Iterator[Any]:
    """Every route of an app, those of its routers too."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router:
            yield from api_routes(router.routes)
        elif hasattr(route, "dependant"):
            yield route


def test_every_route_names_its_roles() -> None:
    """Default deny: only health and metrics are open."""
    from contracts.runtime.settings import Settings
    from deploy.api import OPEN, build, hosts_of

    config = Settings(database_url="postgresql://nowhere/none")
    edge = build(config, hosts_of(config, lambda *_: None))
    routes = list(api_routes(edge.routes))
    assert len(routes) > 20
    for route in routes:
        roles = [getattr(d.call, "roles", None) for d in route.dependant.dependencies]
        assert any(roles) or route.path in OPEN, f"{route.path} lists no roles: add allow(…)"


def test_every_planted_bug_still_fits_the_code() -> None:
    for mutant in sorted((ROOT / "tests/faults/mutants").glob("*.patch")):
        apply = ["git", "apply", "--check", "--whitespace=nowarn", str(mutant)]
        done = subprocess.run(apply, cwd=ROOT, capture_output=True, text=True, check=False)
        assert not done.returncode, f"write {mutant.name} anew for the code of today: {done.stderr}"
