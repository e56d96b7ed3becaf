"""Golden numbers of science.md §1.4 and §1.5."""

import pytest

from tokman.recommend import trial

PLAIN = {"alpha": 0.05, "power": 0.8}

SIZES = [
    # right today, margin, Wald, Farrington–Manning
    (0.95, 0.02, 1469, 1500),
    (0.95, 0.03, 653, 683),
    (0.90, 0.05, 446, 457),
    (0.98, 0.01, 2424, 2512),
]


@pytest.mark.parametrize(("right", "margin", "by_wald", "by_null"), SIZES)
def test_calls_per_arm(right: float, margin: float, by_wald: int, by_null: int) -> None:
    assert trial.wald(right, right, margin, **PLAIN) == by_wald
    assert trial.farrington_manning(right, right, margin, **PLAIN) == by_null


@pytest.mark.parametrize(
    ("discordant", "margin", "calls"), [(0.10, 0.02, 1546), (0.05, 0.02, 773), (0.10, 0.05, 248)]
)
def test_calls_replayed_on_both(discordant: float, margin: float, calls: int) -> None:
    assert trial.paired(discordant, margin, **PLAIN) == calls


def test_a_tiny_margin_needs_more_calls_than_anybody_has() -> None:
    assert trial.wald(0.92, 0.92, 0.5 * 0.02 / 6, **PLAIN) == pytest.approx(327_626, abs=2)
    assert trial.wald(0.92, 0.92, 0.025, **PLAIN) == pytest.approx(1456, abs=2)


def test_difference_of_shares() -> None:
    gap, low, high = trial.difference(475, 500, 1900, 2000)
    assert gap == 0
    assert (round(low, 4), round(high, 4)) == (-0.0200, 0.0162)
