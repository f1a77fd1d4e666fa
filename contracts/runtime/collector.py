"""When Python looks for unreachable cycles: seldom, and never among what a process began with.

A full collection walks every object there is. The modules of a worker are half a million of them,
which stay as long as it lives; walking these again and again took a tenth of its processor time and
stopped every thread for 100 ms and more.
"""

import gc

YOUNG_OBJECTS = 50_000  # more than a batch keeps until it is committed


def settle() -> None:
    """Call this once, when a process is ready: what is there now is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
