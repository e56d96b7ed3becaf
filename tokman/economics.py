"""What the work is worth, as tokman.toml declares it over a profile of the business."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import msgspec

from tokman.config import Config, Declared, Profile
from tokman.errors import TokmanError

PLAIN = "plain"
"""The profile in force where none is named."""

LEVELS = ("E0", "E1", "E2", "E3", "E4")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
HINT = "see the README, Configuration"


class Business(NamedTuple):
    """A profile with every field given. Shares are 0 to 1, money is USD."""

    name: str
    horizon_days: int
    value_per_cost: Decimal
    loss_share: float
    max_loss: float
    alpha: float
    power: float
    importance: float
    waste: float
    day_rate: Decimal
    downgrade_from: str
    weights: dict[str, float]
    """Lever → how much a dollar it saves counts in the ranking; 1 where it is not named."""


class Terms(NamedTuple):
    """What one workflow's outcomes are worth and what may be done to it."""

    value: Decimal | None
    """USD of one outcome as declared; None: `value_per_cost` of the business stands in."""
    margin: float | None
    importance: float
    waste: float
    max_delay: int | None
    """Seconds an answer may take; None: not declared."""
    interactive: bool | None
    protected: bool
    """Declared protected or regulated: no cheaper model is nominated."""
    regulated: bool
    owner: str | None
    outcome: str | None


def business(config: Config) -> Business:
    """The profile that tokman.toml names, else `plain`; TokmanError where it does not add up."""
    name = config.profile or PLAIN
    merged: dict[str, object] = {}
    weights: dict[str, object] = {}
    for profile in _line_of(name, config):
        stated = msgspec.structs.asdict(profile)
        weights |= stated.pop("weights")
        del stated["like"]
        merged |= {field: value for field, value in stated.items() if value is not None}
    where = f"profile {name!r}"
    level = str(merged["downgrade_from"])
    if level not in LEVELS:
        raise TokmanError(
            f"{where}: no evidence level {level!r}", f"choose from {', '.join(LEVELS)}"
        )
    days = merged["horizon_days"]
    if not isinstance(days, int) or not 1 <= days <= 3650:
        raise TokmanError(f"{where}: horizon_days {days!r} is not 1 to 3650 days", HINT)
    return Business(
        name=name,
        horizon_days=days,
        value_per_cost=_amount(merged["value_per_cost"], f"{where}: value_per_cost"),
        loss_share=_share(merged["loss_share"], f"{where}: loss_share"),
        max_loss=_share(merged["max_loss"], f"{where}: max_loss"),
        alpha=_inside(merged["alpha"], f"{where}: alpha"),
        power=_inside(merged["power"], f"{where}: power"),
        importance=_weight(merged["importance"], f"{where}: importance"),
        waste=_share(merged["waste"], f"{where}: waste"),
        day_rate=_amount(merged["day_rate"], f"{where}: day_rate"),
        downgrade_from=level,
        weights={
            lever: float(_amount(weight, f"{where}: weights.{lever}"))
            for lever, weight in weights.items()
        },
    )


def terms(config: Config, workflow: str | None) -> Terms:
    """What is declared of a workflow, over the profile; TokmanError for what does not add up."""
    stated = config.workflows.get(workflow or "", Declared())
    held = business(config)
    where = f"workflows.{workflow}"
    return Terms(
        value=None if stated.value is None else _amount(stated.value, f"{where}: value"),
        margin=None if stated.margin is None else _share(stated.margin, f"{where}: margin"),
        importance=(
            held.importance
            if stated.importance is None
            else _weight(stated.importance, f"{where}: importance")
        ),
        waste=held.waste if stated.waste is None else _share(stated.waste, f"{where}: waste"),
        max_delay=None if stated.max_delay is None else _seconds(stated.max_delay, where),
        interactive=stated.interactive,
        protected=stated.protected or stated.regulated,
        regulated=stated.regulated,
        owner=stated.owner,
        outcome=stated.outcome,
    )


def profiles() -> dict[str, Profile]:
    """The profiles that tokman brings."""
    text = Path(__file__).with_name("profiles.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Profile])


def _line_of(name: str, config: Config) -> list[Profile]:
    """The profile and those it is like, the most general first; one of the user's own lies over
    that of tokman with the same name."""
    given = profiles()
    known = {*given, *config.profiles}
    line: list[Profile] = []
    seen: set[str] = set()
    following: str | None = name
    while following is not None:
        if following not in known:
            close = difflib.get_close_matches(following, known, 1)
            hint = (
                f"did you mean {close[0]!r}?"
                if close
                else f"choose from {', '.join(sorted(known))}"
            )
            raise TokmanError(f"no profile {following!r}", hint)
        if following in seen:
            raise TokmanError(f"profile {name!r} is like itself", "give `like` another name")
        seen.add(following)
        layers = [of[following] for of in (config.profiles, given) if following in of]
        line += layers
        named = next((each.like for each in layers if each.like), None)
        following = named or (PLAIN if following != PLAIN else None)
    return line[::-1]


def _amount(stated: object, what: str) -> Decimal:
    """A number of at least 0, exactly as it is written."""
    try:
        found = Decimal(str(stated).strip().removeprefix("$"))
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or not 0 <= found < 10**12:
        raise TokmanError(f"{what} {stated!r} is not an amount of at least 0", HINT)
    return found


def _share(stated: object, what: str) -> float:
    """0 to 1, or a percentage with its sign."""
    text = str(stated).strip()
    found = _amount(text.removesuffix("%"), what) / (100 if text.endswith("%") else 1)
    if found > 1:
        raise TokmanError(f"{what} {stated!r} is more than the whole", "write 5% or 0.05")
    return float(found)


def _inside(stated: object, what: str) -> float:
    """More than 0 and less than 1."""
    found = _share(stated, what)
    if not 0 < found < 1:
        raise TokmanError(f"{what} {stated!r} is not between 0 and 1", HINT)
    return found


def _weight(stated: object, what: str) -> float:
    """More than 0."""
    found = float(_amount(stated, what))
    if not found:
        raise TokmanError(f"{what} is 0", "a workflow that does not matter is one to stop")
    return found


def _seconds(stated: str, where: str) -> int:
    matched = re.fullmatch(r"(\d{1,9})\s*([smhd])", stated.strip())
    if matched is None:
        raise TokmanError(
            f"{where}: max_delay {stated!r} is not a time", "write 30s, 15m, 4h or 2d"
        )
    return int(matched[1]) * SECONDS[matched[2]]
