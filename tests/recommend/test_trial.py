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


def test_difference_of_shares_as_published() -> None:
    """Newcombe (1998), Statistics in Medicine 17:873-890, table II: 56/70 and 48/80."""
    found = trial.split(70 - 56, 70, 80 - 48, 80, 0.025)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0533, 0.3377)  # method 5, Mee
    _, low, high = trial.difference(56, 70, 48, 80, 0.025)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)  # method 10


def test_replay_as_published() -> None:
    """Cavo et al. (2012) in Fagerland, Lydersen and Laake, Statistical Analysis of Contingency
    Tables, §8: 59, 6, 16 and 80 pairs; Tango's interval by the R package contingencytables."""
    found = trial.replayed(59 + 6 + 16 + 80, lost=16, gained=6, alpha=0.025)
    assert round(found.gap, 4) == -0.0621
    assert (round(found.low, 4), round(found.high, 4)) == (-0.1240, -0.0054)


def test_no_failure_seen_is_not_none_to_come() -> None:
    assert -0.03 < trial.replayed(100, 0, 0, 0.05).low < -0.02
    assert -0.03 < trial.split(0, 100, 0, 100, 0.05).low < -0.02


@pytest.mark.parametrize("sizes", [(500, 500), (300, 900), (2000, 200)])
def test_limits_are_where_the_test_turns(sizes: tuple[int, int]) -> None:
    """The score test of Farrington and Manning accepts a margin just beyond the limit only."""
    new, old = sizes
    found = trial.split(new // 15, new, old // 20, old, 0.05)
    stricter = trial.split(new // 15, new, old // 20, old, 0.01)
    assert stricter.low < found.low < found.gap < found.high < stricter.high
