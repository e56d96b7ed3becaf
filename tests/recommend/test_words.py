"""Words stored as numbers change nothing but the room that they take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recommend.books import books, card
from tests.recommend.test_plan import everything
from tokman import query, rates
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.recommend import recommend, words
from tokman.recommend import scene as scene_module
from tokman.recommend.lever import Scene
from tokman.recommend.scene import change, set_scene


def kinds(scene: Scene) -> dict[str, str]:
    """Column → type."""
    rows = scene.connection.execute("describe calls").fetchall()
    return {name: kind for name, kind, *_ in rows}


def test_the_plan_is_the_same(sample_ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, prices = Ledger(sample_ledger), rates.load()
    plans = []
    for many, most in ((1 << 40, words.MOST), (0, words.MOST), (0, 3)):
        monkeypatch.setattr(words, "MANY", many)
        monkeypatch.setattr(words, "MOST", most)
        connection = query.connect(ledger, Config())
        plans.append(recommend(connection, prices, Config()))
        coded = connection.execute("select typeof(status) from calls limit 1").fetchone()
        assert coded is not None and coded[0].startswith("ENUM") == (many == 0)
    assert plans[0] == plans[1] == plans[2]


def test_more_words_than_most_stay_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MANY", 0)
    monkeypatch.setattr(words, "MOST", 1)
    scene = set_scene(books(everything()), card(), Config(), None, None)
    found = kinds(scene)
    assert found["workflow"] == found["request_model"] == "VARCHAR"
    assert found["output_basis"].startswith("ENUM")


def test_a_lever_may_bring_a_word_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MANY", 0)
    scene = set_scene(books(everything()), card(), Config(), None, None)
    execute = scene.connection.execute
    execute(
        "create temp table other as select * replace ('never-met' as request_model) from current"
    )
    assert kinds(scene)["request_model"].startswith("ENUM")
    change(scene, "other")
    assert execute("select distinct request_model from calls").fetchall() == [("never-met",)]


def test_only_what_differs_is_written() -> None:
    scene = set_scene(books(everything()), card(), Config(), None, None)
    execute = scene.connection.execute
    before = execute("from current order by call").fetchall()
    halved = "select * replace ((cost / 2)::decimal(18, 12) as cost) from current"
    execute(f"create temp table other as {halved}")
    change(scene, "other")
    after = execute("from current order by call").fetchall()
    assert [row[:-1] for row in after] == [row[:-1] for row in before]
    assert [row[-1] for row in after] != [row[-1] for row in before]


def test_a_window_filled_in_stretches_holds_the_same_calls(
    sample_ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, prices = Ledger(sample_ledger), rates.load()
    plans, held = [], []
    for at_once in (1 << 40, 700):
        monkeypatch.setattr(scene_module, "AT_ONCE", at_once)
        connection = query.connect(ledger, Config())
        plans.append(recommend(connection, prices, Config()))
        held.append(connection.execute("select call_id from calls order by call_id").fetchall())
    assert held[0] == held[1]
    assert plans[0] == plans[1]
