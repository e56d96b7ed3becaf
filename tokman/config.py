"""tokman.toml: prices, workflow rules, what the work is worth, and the gate's settings."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec

from tokman.errors import TokmanError

NAME = "tokman.toml"


class Model(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A price the user states, in USD per million tokens, as decimal strings or numbers."""

    provider: str | None = None
    input: str | float | int
    output: str | float | int = 0
    cache_read: str | float | int | None = None
    cache_write_5m: str | float | int | None = None
    cache_write_1h: str | float | int | None = None
    per_request: str | float | int | None = None
    tier: str | None = None
    """Only for calls served at this tier (batch, flex, priority); None is the standard tier."""
    since: date | None = None
    until: date | None = None


class Discount(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A negotiated discount on list prices: `contracted = list × (100 − percent) / 100`."""

    percent: str | float | int
    provider: str = "*"
    """Glob over the provider's name."""
    model: str = "*"
    """Glob over the model's name."""
    since: date | None = None
    until: date | None = None


class Rates(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The user's own prices, aliases and discounts."""

    models: dict[str, Model | list[Model]] = {}
    aliases: dict[str, str] = {}
    """A model name in the logs → `model` or `provider/model` in the catalogue."""
    discounts: list[Discount] = []


class WorkflowRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Calls whose columns match every glob belong to the workflow `name`; the first rule wins."""

    name: str
    match: dict[str, str]


class Declared(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the user declares about one workflow."""

    owner: str | None = None
    """Who decides about it."""
    interactive: bool | None = None
    """False: nobody waits for the answer, so batch and off-peak are open to it."""
    max_delay: str | None = None
    """How long an answer may take: 30s, 15m, 4h, 2d."""
    protected: bool = False
    """True: never nominate a cheaper model here."""
    cacheable: bool | None = None
    """True: the answer to the same request may be given again; False: never."""
    regulated: bool = False
    """True: a rule outside the company says what may answer here; treated as protected."""
    outcome: str | None = None
    """The kind of outcome that counts, as `tokman outcomes add --name` calls it."""
    value: str | float | int | None = None
    """USD that one outcome is worth: its price, or the cost it avoids."""
    margin: str | float | int | None = None
    """The share of the value that must be left after the model calls: 70% or 0.7."""
    importance: str | float | int | None = None
    """Weight of a lost outcome; 1 is an ordinary one."""
    waste: str | float | int | None = None
    """The share of spend that may be waste: 5% or 0.05; Stop says where it is more."""


class Profile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a kind of business takes for granted; a field left out is that of `like`."""

    like: str | None = None
    """Another profile that the fields left out are taken from."""
    horizon_days: int | None = None
    """Over how many days a change must pay."""
    value_per_cost: str | float | int | None = None
    """What an outcome is worth where that is not declared, as a multiple of what it costs."""
    loss_share: str | float | int | None = None
    """The share of the quality loss that would eat the saving which a trial may leave open."""
    max_loss: str | float | int | None = None
    """The most outcomes that may be lost, whatever is saved: 2% or 0.02."""
    alpha: str | float | int | None = None
    """Chance to accept a model that is worse by the whole margin, one-sided."""
    power: str | float | int | None = None
    """Chance to accept a model that is just as good."""
    importance: str | float | int | None = None
    waste: str | float | int | None = None
    day_rate: str | float | int | None = None
    """USD that a day of an engineer costs."""
    downgrade_from: str | None = None
    """The least evidence, E0 to E4, at which a cheaper model is part of the plan."""
    weights: dict[str, str | float | int] = {}
    """Lever → how much a dollar it saves counts in the ranking, where not 1."""


class Trial(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename={"source": "from"}):
    """A finished trial of a cheaper way to do a workflow's calls, and what it counted."""

    workflow: str
    source: str
    """The model of today."""
    to: str
    """The model that was tried; the same one where only the effort differs."""
    effort: str | None = None
    """The reasoning effort that was tried."""
    kind: Literal["replay", "split"]
    """replay: the same calls on both; split: calls divided by chance."""
    date: date
    calls: int | None = None
    """Of a replay: the calls done on both."""
    lost: int | None = None
    """Of a replay: right on `from`, wrong on `to`."""
    gained: int | None = None
    """Of a replay: wrong on `from`, right on `to`."""
    calls_from: int | None = None
    """Of a split, like the next three."""
    bad_from: int | None = None
    calls_to: int | None = None
    bad_to: int | None = None
    output_ratio: float | None = None
    """Output tokens of `to` per token of `from` in the trial, where it was measured."""


class Ignore(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A workflow that the gate lets pass for a while."""

    reason: str
    until: date
    """The last day (UTC)."""


class CheckRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the gate holds one workflow to, where that is not what it holds all to."""

    max_increase: str | None = None
    min_impact: str | float | int | None = None
    max_loss: str | float | int | None = None
    """The most outcomes that may be lost: 2% or 0.02."""
    level: Literal["error", "warn"] | None = None
    ignore: Ignore | None = None


class Budget(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """USD that a unit of work, or all of a workflow, may cost, whatever it cost before."""

    per: Literal["call", "conversation", "outcome", "case", "workflow"]
    """case: each of them; workflow: all its calls together; else the mean."""
    max: str | float | int
    workflow: str = "*"
    """Glob over the workflow's name."""
    level: Literal["error", "warn"] = "error"


class Check(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settings of the gate; flags override them."""

    mode: str | None = None
    """suite, traffic or static."""
    unit: str | None = None
    max_increase: str | None = None
    min_impact: str | float | int | None = None
    """USD in 30 days; a dearer unit that costs less is let pass."""
    strictness: str | None = None
    """strict, balanced or lenient."""
    alpha: str | float | int | None = None
    """Share of builds in which nothing changed that may fail."""
    inconclusive: str | None = None
    """pass, warn or fail."""
    max_unpriced: str | None = None
    main: str | None = None
    """The branch that baselines are saved on, where it is not the repository's own."""
    workflows: dict[str, CheckRule] = {}
    """By glob over the workflow's name; the first that matches holds."""
    budgets: list[Budget] = []


class Tiktoken(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What tokman counts with where a log has texts and no counts."""

    ranks: str | None = None
    """Folder with o200k_base.tiktoken and cl100k_base.tiktoken, from that of tokman.toml on."""


class Reconcile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the two sides of a reconciliation call the same thing: a provider's statements name keys
    and projects by ids, logs by aliases."""

    keys: dict[str, str] = {}
    """A key in the statements → the same key in the logs."""
    projects: dict[str, str] = {}


class Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The whole of tokman.toml; every part is optional."""

    rates: Rates = msgspec.field(default_factory=Rates)
    workflow_rules: list[WorkflowRule] = []
    workflows: dict[str, Declared] = {}
    profile: str | None = None
    """The kind of business: a name in `profiles` or one that tokman brings."""
    profiles: dict[str, Profile] = {}
    trials: list[Trial] = []
    check: Check = msgspec.field(default_factory=Check)
    reconcile: Reconcile = msgspec.field(default_factory=Reconcile)
    tiktoken: Tiktoken = msgspec.field(default_factory=Tiktoken)
    sources: dict[str, Any] = {}
    """Mappings of further log formats by name: `tokman.sources.mapping.spec.Mapping`."""
    path: str | None = None
    """Where it was read; None when there is no file."""


def find(start: Path) -> Path | None:
    """The nearest tokman.toml in `start` or a parent of it, else None."""
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            return folder / NAME
    return None


def load(path: Path | None = None) -> Config:
    """Read `path`, else TOKMAN_CONFIG, else the nearest tokman.toml, else the defaults."""
    named = os.environ.get("TOKMAN_CONFIG")
    stated = path or (Path(named) if named else None)
    if stated and not stated.is_file():
        raise TokmanError(f"no configuration file at {stated}", "check the path")
    found = stated or find(Path.cwd())
    if found is None:
        return Config()
    try:
        config = msgspec.toml.decode(found.read_bytes(), type=Config)
    except (msgspec.DecodeError, ValueError, OSError, RecursionError) as error:
        raise TokmanError(f"{found}: {error}", "see the README, Configuration") from error
    config.path = str(found)
    return config
