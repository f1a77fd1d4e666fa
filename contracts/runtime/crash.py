"""Named places where a test may end the process with SIGKILL; they cost nothing when off.

`CONCERTO_CRASH_AT=point:n` ends the process at the n-th passing of `point`.
"""

import os
import signal
from collections.abc import Callable
from itertools import count


def _armed(setting: str) -> Callable[[str], None]:
    wanted, _, nth = setting.rpartition(":")
    passed = count(1)

    def passing(point: str) -> None:
        if point == wanted and next(passed) == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)

    return passing


def _off(point: str) -> None:
    """Nothing is armed."""


passing = _armed(os.environ["CONCERTO_CRASH_AT"]) if os.environ.get("CONCERTO_CRASH_AT") else _off
