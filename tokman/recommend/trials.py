"""Trials that tokman.toml declares: what they counted decides, nothing else (science.md §1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tokman.errors import TokmanError
from tokman.recommend import trial
from tokman.recommend.lever import Evidence

if TYPE_CHECKING:
    from tokman.config import Config, Trial

TESTED = (18, 2)
PROVEN = (48, 2)
"""(a, b) of the Beta distribution of the share that becomes real (science.md §1.5)."""
HINT = "each trial needs its counts: see the README, Configuration"


class Result(NamedTuple):
    """One finished trial and the loss that it leaves possible."""

    trial: Trial
    found: trial.Difference

    @property
    def words(self) -> str:
        """What was done and counted."""
        of = self.trial
        if of.kind == "replay":
            done = f"{of.calls:,} calls replayed on both: {of.lost} lost, {of.gained} gained"
        else:
            done = (
                f"{of.calls_to:,} calls on {of.to} with {of.bad_to} wrong, {of.calls_from:,} on "
                f"{of.source} with {of.bad_from} wrong, divided by chance"
            )
        return f"{of.date}: {done}"

    def shows(self, margin: float) -> bool:
        """A loss of the margin or more is ruled out."""
        return self.found.low > -margin

    def refutes(self, margin: float) -> bool:
        """The loss is more than the margin."""
        return self.found.high < -margin

    def evidence(self) -> Evidence:
        """What the trial proves where it shows that no more than the margin is lost."""
        most = max(0.0, -self.found.low) * 100
        if self.trial.kind == "replay":
            why = f"a replay of your own calls rules out a loss of more than {most:.1f} points"
            return Evidence("E3", "tested", why, TESTED)
        why = f"a trial divided by chance rules out a loss of more than {most:.1f} points"
        return Evidence("E4", "proven", why, PROVEN)


def declared(
    config: Config, workflow: str | None, model: str, to: str, effort: str | None, alpha: float
) -> Result | None:
    """The latest trial of this step; a split counts more than a replay of the same day."""
    fitting = [
        (one, place)
        for place, one in enumerate(config.trials)
        if (one.workflow, one.source, one.to, one.effort) == (workflow, model, to, effort)
    ]
    if not fitting:
        return None
    one, place = max(fitting, key=lambda pair: (pair[0].date, pair[0].kind == "split", pair[1]))
    return Result(one, _difference(one, f"trials[{place}]", alpha))


def check(config: Config) -> None:
    """TokmanError for a declared trial whose counts cannot be."""
    for place, one in enumerate(config.trials):
        where = f"trials[{place}] of {one.workflow!r}"
        _difference(one, where, 0.05)
        if one.output_ratio is not None and not 0 < one.output_ratio < 100:
            raise TokmanError(f"{where}: output_ratio {one.output_ratio!r}", "write 1.2 or so")
        if one.source == one.to and one.effort is None:
            raise TokmanError(f"{where} tries {one.to} against itself", "name another model")


def _difference(one: Trial, where: str, alpha: float) -> trial.Difference:
    if one.kind == "replay":
        calls, lost, gained = _counts(where, one, "calls", "lost", "gained")
        if lost + gained > calls:
            raise TokmanError(f"{where}: lost and gained are more than calls", HINT)
        return trial.replayed(calls, lost, gained, alpha)
    new, bad_new, old, bad_old = _counts(where, one, "calls_to", "bad_to", "calls_from", "bad_from")
    if bad_new > new or bad_old > old:
        raise TokmanError(f"{where}: more bad calls than calls", HINT)
    return trial.split(bad_new, new, bad_old, old, alpha)


def _counts(where: str, one: Trial, *names: str) -> list[int]:
    """The counts of these names; the first of each arm is at least one."""
    found = []
    for name in names:
        value = getattr(one, name)
        if value is None or value < (1 if name.startswith("calls") else 0):
            raise TokmanError(f"{where}: {one.kind} without a right `{name}`", HINT)
        found.append(value)
    return found
