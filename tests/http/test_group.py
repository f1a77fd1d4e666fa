"""Who submits together is committed together, and each hears of its own."""

import asyncio
from collections.abc import Sequence

import pytest

from contracts.runtime.group import Group
from contracts.runtime.problems import Problem

CLIENTS, TIMES = 40, 5


class Commits:
    """Doubles every number; refuses groups with an odd one, and a lone odd one."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        """Commit a group."""
        self.sizes.append(len(items))
        if any(item % 2 for item in items):
            raise ValueError("odd")
        return [2 * item for item in items]


def test_whoever_comes_alone_is_committed_alone() -> None:
    """One client, one after the other: a group for each."""
    commits = Commits()

    async def alone() -> None:
        group: Group[int, int] = Group(commits, "orders", most=200, line=200)
        for item in range(0, 10, 2):
            assert await group.submit([item]) == [2 * item]

    asyncio.run(alone())
    assert commits.sizes == [1] * 5


def test_while_many_come_groups_gather() -> None:
    """Forty clients, each with its next order once the last is answered: groups of most of them,
    and everyone gets its own answer."""
    commits = Commits()

    async def client(group: Group[int, int], number: int) -> None:
        for _ in range(TIMES):
            assert await group.submit([2 * number]) == [4 * number]

    async def many() -> None:
        group: Group[int, int] = Group(commits, "orders", most=200, line=200)
        await asyncio.gather(*(client(group, number) for number in range(CLIENTS)))

    asyncio.run(many())
    assert sum(commits.sizes) == CLIENTS * TIMES
    assert len(commits.sizes) <= 3 * TIMES


def test_a_bad_one_fails_alone() -> None:
    """Of three submitted together the odd one is refused, the others are committed."""
    commits = Commits()

    async def together() -> list[object]:
        group: Group[int, int] = Group(commits, "orders", most=200, line=200)
        submits = (group.submit([item]) for item in (2, 3, 4))
        return list(await asyncio.gather(*submits, return_exceptions=True))

    two, three, four = asyncio.run(together())
    assert (two, four) == ([4], [8])
    assert isinstance(three, ValueError)


def test_a_full_line_is_said_so() -> None:
    """More than fit the line are answered 429, with when to come again."""

    async def full() -> None:
        group: Group[int, int] = Group(Commits(), "orders", most=1, line=2)
        await group.submit([2, 4, 6])

    with pytest.raises(Problem) as refused:
        asyncio.run(full())
    assert refused.value.status == 429
