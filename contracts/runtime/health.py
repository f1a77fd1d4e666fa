"""Whether a process lives and gets on: a file that it touches while its loop turns."""

import os
from pathlib import Path

FOLDER = "CONCERTO_HEALTH_DIR"


class Heartbeat:
    """Touches `<name>.<pid>.alive` in the health folder; does nothing where none is set."""

    def __init__(self, name: str) -> None:
        folder = os.environ.get(FOLDER)
        self._file = Path(folder) / f"{name}.{os.getpid()}.alive" if folder else None

    def beat(self) -> None:
        """Say that the process got round once more."""
        if self._file:
            self._file.touch()

    def end(self) -> None:
        """Say that the process ends on purpose."""
        if self._file:
            self._file.unlink(missing_ok=True)
