"""A recommendation says why, and its evaluation says whether it is worth showing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from side_effects.recommendation import evaluate
from side_effects.recommendation.consumer import recommendation
from side_effects.recommendation.http import routes
from side_effects.recommendation.pairs import PAIRED_SKUS
from tests.side_effects.edge import asked, bearer
from tests.side_effects.heard import Subscriber, confirmed, subscriber


@pytest.fixture
def desk(postgres: str) -> Iterator[Subscriber]:
    """Recommendation that has learned nothing."""
    with subscriber(recommendation, postgres, "trail") as at_work:
        for table in ("bought", "together", "looked_at", "applied_orders"):
            at_work.rows(f"DELETE FROM {table}")
        yield at_work


@pytest.fixture
def client(desk: Subscriber, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The shop."""
    with asked(routes(desk.host.db), monkeypatch) as asking:
        asking.headers.update(bearer("shop"))
        yield asking


def bought(*skus: str) -> tuple[tuple[str, int, int], ...]:
    """One unit of each, at a penny."""
    return tuple((sku, 1, 1) for sku in skus)


def test_a_recommendation_says_in_how_many_of_how_many_orders(
    desk: Subscriber, client: TestClient
) -> None:
    """Tea stands in three orders, two of them with milk, one with a cup; one is heard twice."""
    said = [
        confirmed(*bought(*skus)) for skus in (("tea", "milk"), ("tea", "milk", "cup"), ("tea",))
    ]
    desk.host.receive(said[:2])
    desk.host.receive(said[1:])
    found = client.get("/recommendations/tea").json()
    assert (found["sku"], found["orders"]) == ("tea", 3)
    milk, cup = found["recommended"]
    assert milk == {
        "sku": "milk",
        "orders": 2,
        "of_orders": 3,
        "share": 0.6667,
        "because": "bought together with tea in 2 of 3 orders looked at",
    }
    assert (cup["sku"], cup["orders"]) == ("cup", 1)


def test_a_sku_beyond_those_looked_at_has_no_say(desk: Subscriber, client: TestClient) -> None:
    """Of a large order the first eight are looked at; orders of the ninth are not counted."""
    skus = [f"S{number}" for number in range(PAIRED_SKUS + 1)]
    desk.host.receive([confirmed(*bought(*skus))])
    assert len(client.get("/recommendations/S0").json()["recommended"]) == PAIRED_SKUS - 1
    unknown = client.get(f"/recommendations/{skus[-1]}")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"


def written(folder: Path, orders: Sequence[tuple[str, ...]]) -> Path:
    """A file of these orders, one a day, and of one cancellation."""
    lines, at = ["inv,sku,q,ts"], datetime(2026, 1, 1)
    for number, skus in enumerate(orders):
        lines += [f"{number},{sku},1,{at + timedelta(days=number)}" for sku in skus]
    path = folder / "orders.csv"
    path.write_text("\n".join([*lines, f"C1,{orders[0][0]},-1,{at}", ""]))
    return path


def test_what_always_goes_together_is_hit_each_time_and_the_popular_seldom(tmp_path: Path) -> None:
    """Twenty pairs in turn, and a mug that is bought alone: the pairs are found, the baseline of
    the most popular finds what stands first by chance."""
    orders = [(f"A{n % 20:02}", f"B{n % 20:02}") for n in range(200)]
    told = evaluate.main([str(written(tmp_path, orders))]).splitlines()
    assert told[0] == (
        "Learned from 160 orders before 2026-06-09, tried on 40 orders of two SKUs and more after"
        " it."
    )
    assert told[3].split() == ["bought", "together", "100.0%", "100.0%"]
    few, many = (float(share.rstrip("%")) for share in told[4].split()[2:])
    assert few <= many < 50


def test_nothing_of_the_later_orders_is_learned(tmp_path: Path) -> None:
    """Pairs that begin after the cut are never hit."""
    orders = [("A", "B")] * 160 + [("C", "D")] * 40
    told = evaluate.main([str(written(tmp_path, orders))]).splitlines()
    assert told[3].split() == ["bought", "together", "0.0%", "0.0%"]


def test_the_rarest_pairs_are_forgotten_when_there_are_too_many() -> None:
    """So that memory is bounded whatever the file."""
    counts = Counter({"often": 5, "twice": 2, "once": 1, "also once": 1})
    evaluate.bound(counts, 2)
    assert counts == {"often": 5, "twice": 2}
    evaluate.bound(counts, 1)
    assert counts == {"often": 5}


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "inv,sku,q,ts\n1,A,one,2026-01-01\n"])
def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    """Empty, of other columns, or with a quantity that is no number."""
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(SystemExit, match=r"there is no order|cannot be read"):
        evaluate.main([str(path)])
