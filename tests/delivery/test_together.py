"""What waits while others are under way is done with the next; nothing is left behind or lost."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.delivery.together import Together


class Work:
    """Does groups of numbers, each not before it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun, self.let_go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, group: Sequence[int]) -> None:
        """Do a group; a negative number fails."""
        self.groups.append(list(group))
        self.begun.release()
        assert self.let_go.acquire(timeout=10)
        if min(group) < 0:
            raise ValueError("negative")


def _waiting(together: Together[int], count: int) -> None:
    while len(together._waiting) < count:
        threading.Event().wait(0.001)


def test_what_waits_is_done_with_the_next_group() -> None:
    """One is under way; the three behind it share the next."""
    work = Work()
    together = Together(work, most=100, at_once=1)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(together.do, [1])
        assert work.begun.acquire(timeout=10)
        others = [pool.submit(together.do, [number]) for number in (2, 3, 4)]
        _waiting(together, 3)
        assert not any(other.done() for other in others)
        work.let_go.release(2)
        for each in (first, *others):
            each.result(timeout=10)
    assert [sorted(group) for group in work.groups] == [[1], [2, 3, 4]]


def test_a_group_is_bounded_and_the_rest_is_done_after_it() -> None:
    """Two items fit; a larger one is done alone; none is left behind."""
    work = Work()
    work.let_go.release(100)
    together = Together(work, most=2, at_once=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(together.do, [[1], [2, 3, 4], [5], [6], [7, 8], [9], [10], [11]]))
    assert sorted(n for group in work.groups for n in group) == list(range(1, 12))
    assert all(len(group) <= 2 or group == [2, 3, 4] for group in work.groups)


def test_a_group_that_fails_fails_for_all_of_it_and_for_nobody_else() -> None:
    """Each caller of the group learns of it, so that none of its messages is acknowledged."""
    work = Work()
    together = Together(work, most=100, at_once=1)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(together.do, [1])
        assert work.begun.acquire(timeout=10)
        failing = [pool.submit(together.do, [number]) for number in (2, -3)]
        _waiting(together, 2)
        work.let_go.release(2)
        first.result(timeout=10)
        for each in failing:
            with pytest.raises(ValueError, match="negative"):
                each.result(timeout=10)
    work.let_go.release()
    together.do([4])
