"""What an import must remember to be resumed: how the platform stood before it.

Kept in the stack's folder, one file for each imported file, columns and platform. Written down
before the platform is changed for the first time, so that a second run never sets stock again.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.client import Refused
from deploy.retail.file import RetailFile


@dataclass
class Memory:
    """How the platform stood before: units received and shipped by SKU, and the sales by day.

    There are no sales where orders were still on their way. `is_new` until any of this is known.
    `rules` are fraud's and `refund_limit` is payments', as they stood, while they are out of the
    way. `seed` is that of promotions.
    """

    path: Path
    invoices: int = 0
    stock: dict[str, tuple[int, int]] = field(default_factory=dict)
    sales: dict[str, tuple[int, int]] | None = None
    rules: list[dict[str, Any]] | None = None
    seed: int | None = None
    refund_limit: int | None = None
    is_new: bool = True

    def grow(self, invoices: int) -> None:
        """Go on to so many invoices; fewer than before would have nothing to compare with."""
        if invoices < self.invoices:
            said = f"{self.invoices} orders of this file were imported here before"
            raise Refused(f"{said}: take --limit {self.invoices} or more", 2)
        self.invoices = invoices

    def keep_to(self, seed: int | None) -> None:
        """Go on with this seed of promotions, or none: another would make other orders."""
        if not self.is_new and seed != self.seed:
            with_it = "without --promotions" if self.seed is None else f"with --seed {self.seed}"
            raise Refused(f"this file was imported here before {with_it}: go on so", 2)
        self.seed = seed

    def save(self) -> None:
        """Write it down for good."""
        kept = {key: value for key, value in asdict(self).items() if key != "path"}
        new = self.path.with_suffix(".new")
        with new.open("w") as stream:
            json.dump(kept, stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(self.path)


@contextmanager
def remembered(folder: Path, file: RetailFile, url: str) -> Iterator[Memory]:
    """The memory of this import; `Refused` while another import runs from the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"import-{_digest(file, url)}.json"
    with (folder / "import.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another import runs from {folder}") from None
        yield _read(path)


def _read(path: Path) -> Memory:
    if not path.exists():
        return Memory(path)
    kept = json.loads(path.read_text())
    stock, sales = kept.pop("stock"), kept.pop("sales")
    return Memory(path, stock=_pairs(stock), sales=None if sales is None else _pairs(sales), **kept)


def _pairs(kept: dict[str, list[int]]) -> dict[str, tuple[int, int]]:
    return {key: (first, second) for key, (first, second) in kept.items()}


def _digest(file: RetailFile, url: str) -> str:
    with file.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(json.dumps([asdict(file.columns), url]).encode())
    return digest.hexdigest()[:16]
