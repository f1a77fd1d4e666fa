"""A file of orders that is broken is refused by line, and nothing of it is sent."""

import subprocess
import sys
from pathlib import Path

import pytest

ORDER = '{"key": "a"}'
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "no JSON": (f"{ORDER}\n{{nope", "line 2 is not JSON"),
    "no object": (f"{ORDER}\n[]", "line 2: an order is an object with a `key`"),
    "no key": (f"{ORDER}\n\n{{}}", "line 3: an order is an object with a `key`"),
    "not UTF-8": (b"\xff\xfe", "cannot be read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_line(tmp_path: Path, name: str) -> None:
    """Exit code 2 and the place; no platform is asked, for there is none."""
    content, said = BROKEN[name]
    file = tmp_path / "orders.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    command = [sys.executable, "-c", "from deploy.cli import main; main()", "submit", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""
