"""What the gate holds the work to: flags over [check] in tokman.toml over defaults."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, cast, get_args

from tokman.check.verdict import Ignored, Mode, Unit
from tokman.config import Budget, Check, CheckRule, Config
from tokman.errors import TokmanError

Level = Literal["error", "warn"]
Strictness = Literal["strict", "balanced", "lenient"]
Inconclusive = Literal["pass", "warn", "fail"]

HINT = "see the README, The gate in CI"


class Flags(NamedTuple):
    """What the command line says; None where it says nothing."""

    mode: str | None = None
    unit: str | None = None
    max_increase: str | None = None
    min_impact: str | None = None
    strictness: str | None = None
    alpha: str | None = None
    inconclusive: str | None = None
    max_unpriced: str | None = None
    budgets: tuple[str, ...] = ()


class Limit(NamedTuple):
    """USD that a unit of work, a case or a whole workflow may cost."""

    workflow: str
    """Glob over the name."""
    per: Unit | Literal["workflow"]
    most: Decimal
    level: Level


class Held(NamedTuple):
    """What one workflow is held to."""

    max_increase: float
    min_impact: Decimal
    max_loss: float | None
    """Share of outcomes; None: what its saving can bear."""
    level: Level
    ignored: Ignored | None


class Settings(NamedTuple):
    """What all of the work is held to."""

    mode: Mode | None
    unit: Unit | None
    max_increase: float
    min_impact: Decimal
    strictness: Strictness
    alpha: float
    inconclusive: Inconclusive
    max_unpriced: float
    limits: list[Limit]
    rules: dict[str, CheckRule]
    flagged: Flags

    @property
    def in_all(self) -> Held:
        """What all workflows together are held to."""
        return Held(self.max_increase, self.min_impact, None, "error", None)

    def of(self, workflow: str | None, today: date) -> Held:
        """What a workflow is held to; what a flag says holds for all of them."""
        rule = next(
            (rule for glob, rule in self.rules.items() if like(workflow, glob)), CheckRule()
        )
        name = f"check.workflows.{workflow}"
        stated, impact = rule.max_increase, rule.min_impact
        flags = self.flagged
        return Held(
            self.max_increase
            if stated is None or flags.max_increase is not None
            else percentage(stated, f"{name}.max_increase"),
            self.min_impact
            if impact is None or flags.min_impact is not None
            else dollars(impact, f"{name}.min_impact"),
            None if rule.max_loss is None else share(rule.max_loss, f"{name}.max_loss"),
            rule.level or "error",
            None
            if rule.ignore is None
            else Ignored(
                reason=rule.ignore.reason,
                until=rule.ignore.until,
                expired=rule.ignore.until < today,
            ),
        )


def settings(config: Config, flags: Flags) -> Settings:
    """The flags over the configuration; TokmanError for what is neither one of the choices nor an
    amount."""
    held: Check = config.check
    for glob, rule in held.workflows.items():
        if rule.ignore is not None and not rule.ignore.reason.strip():
            raise TokmanError(f"check.workflows.{glob}.ignore gives no reason", 'reason = "…"')
    budgets = [_limit(each, f"check.budgets[{at}]") for at, each in enumerate(held.budgets)]
    found = Settings(
        mode=cast("Mode | None", _choice(flags.mode or held.mode, get_args(Mode), "mode")),
        unit=cast("Unit | None", _choice(flags.unit or held.unit, get_args(Unit), "unit")),
        max_increase=percentage(
            *_stated(flags.max_increase, held.max_increase, "5%", "max_increase")
        ),
        min_impact=dollars(*_stated(flags.min_impact, held.min_impact, "0", "min_impact")),
        strictness=cast(
            "Strictness",
            _choice(flags.strictness or held.strictness, get_args(Strictness), "strictness")
            or "balanced",
        ),
        alpha=_inside(*_stated(flags.alpha, held.alpha, "5%", "alpha")),
        inconclusive=cast(
            "Inconclusive",
            _choice(flags.inconclusive or held.inconclusive, get_args(Inconclusive), "inconclusive")
            or "warn",
        ),
        max_unpriced=percentage(
            *_stated(flags.max_unpriced, held.max_unpriced, "0%", "max_unpriced")
        ),
        limits=[limit(text) for text in flags.budgets] or budgets,
        rules=held.workflows,
        flagged=flags,
    )
    for glob in held.workflows:
        found.of(glob, date.min)
    return found


def percentage(text: str | float, what: str = "") -> float:
    """`5%` as 0.05; TokmanError for anything but a percentage of at least 0."""
    stated = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*%\s*", str(text))
    if not stated:
        where = f"{what}: " if what else ""
        raise TokmanError(f"{where}not a percentage: {text!r}", "write it as in --max-increase 5%")
    return float(Decimal(stated[1]) / 100)


def dollars(text: str | float, what: str) -> Decimal:
    """USD of at least 0, exactly as written."""
    try:
        found = Decimal(str(text).strip().removeprefix("$"))
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or not 0 <= found < 10**12:
        raise TokmanError(f"{what} {text!r} is not an amount of at least 0 in USD", "write 0.04")
    return found


def share(text: str | float, what: str) -> float:
    """0 to 1, or a percentage with its sign."""
    stated = str(text).strip()
    found = dollars(stated.removesuffix("%"), what) / (100 if stated.endswith("%") else 1)
    if found > 1:
        raise TokmanError(f"{what} {text!r} is more than the whole", "write 5% or 0.05")
    return float(found)


def limit(text: str) -> Limit:
    """`conversation=0.40` or `support-*/case=0.02`, as a flag states a budget."""
    stated = re.fullmatch(r"(?:(.+)/)?(\w+)=(.+)", text)
    if not stated:
        raise TokmanError(
            f"--budget {text!r} is not UNIT=USD", "write conversation=0.40 or support-*/case=0.02"
        )
    per = _choice(stated[2], (*get_args(Unit), "workflow"), "budget per")
    most = dollars(stated[3], f"--budget {text}:")
    return Limit(stated[1] or "*", cast("Unit", per), most, "error")


def like(workflow: str | None, glob: str) -> bool:
    """Whether a workflow's name is that, or matches that glob."""
    return workflow == glob or fnmatchcase(workflow or "", glob)


def _limit(budget: Budget, what: str) -> Limit:
    return Limit(budget.workflow, budget.per, dollars(budget.max, f"{what}.max"), budget.level)


def _stated(flag: object, held: object, default: str, name: str) -> tuple[str | float, str]:
    """What is in force, and how whoever stated it calls it."""
    if flag is not None:
        return str(flag), f"--{name.replace('_', '-')}"
    return (default if held is None else cast("str | float", held)), f"check.{name}"


def _choice(text: str | None, among: tuple[str, ...], what: str) -> str | None:
    if text is not None and text not in among:
        raise TokmanError(f"no {what} {text!r}", f"choose from {', '.join(among)}")
    return text


def _inside(text: str | float, what: str) -> float:
    found = share(text, what)
    if not 0 < found < 1:
        raise TokmanError(f"{what} {text!r} is not between 0 and 1", HINT)
    return found
