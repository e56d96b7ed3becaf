"""Who runs what against whom, and what a right answer is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import big_ledger, corpus, rivals
from .corpus import HOME
from .measure import Sample, run

WORK = HOME / "work"
OUT = HOME / "out"
TOKMAN = [str(Path(sys.executable).with_name("tokman"))]


@dataclass
class Side:
    """One contestant: commands that are timed together, after a preparation that is not."""

    label: str
    commands: list[list[str]]
    env: dict[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None

    def run(self, out: Path, *, memory: bool = False) -> Sample:
        """Prepare, then run the commands one after another."""
        self.before()
        env = {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": str(_made(HOME / "home"))}
        total = Sample()
        for command in self.commands:
            total += run(command, env | self.env, _made(WORK), out, memory=memory)
        return total


@dataclass
class Race:
    """tokman and a rival on the same bytes, and the ratio of wall times to stay under."""

    name: str
    what: str
    ours: Side
    rival: Side
    target: float
    check: Callable[[Path, Path], list[str]]
    """What is wrong with the answers, given the files both wrote to last."""
    most_mb: float | None = None


def races() -> dict[str, Callable[[], Race]]:
    """Every race by name; making one makes the corpus it needs."""
    return {
        "transcripts": transcripts,
        "again": again,
        "recommend": recommend,
        "litellm": litellm,
        "recommend-big": recommend_big,
        "report": lambda: report(rivals.aggregate, "DuckDB, six sums by hand"),
        "report-same": lambda: report(rivals.same_aggregate, "DuckDB, every figure by hand"),
    }


def transcripts() -> Race:
    place, ledger = corpus.transcripts(), WORK / "transcripts"
    return Race(
        "transcripts",
        "ingest Claude Code transcripts",
        _ingest(place / "projects", ledger),
        _ccusage(place),
        0.85,
        lambda _, rival: _transcript_faults(place, ledger, rival),
    )


def again() -> Race:
    place, ledger = corpus.transcripts(), WORK / "again"
    first = _ingest(place / "projects", ledger)
    second = Side("tokman, again", first.commands)
    return Race(
        "again",
        "ingest them again, unchanged",
        second,
        Side("tokman, first time", first.commands, before=first.before),
        0.05,
        lambda *_: _transcript_faults(place, ledger, None),
    )


def recommend() -> Race:
    place, ledger = corpus.transcripts(), WORK / "recommend"
    ingest = _ingest(place / "projects", ledger)
    asked = [*TOKMAN, "recommend", "--format", "json", "--ledger", str(ledger)]

    def faults(ours: Path, rival: Path) -> list[str]:
        wrong = _transcript_faults(place, ledger, rival)
        try:
            json.loads(ours.read_bytes())
        except ValueError as error:
            wrong.append(f"recommend did not answer in JSON: {error}")
        return wrong

    ours = Side("tokman ingest + recommend", [*ingest.commands, asked], before=ingest.before)
    return Race("recommend", "recommend, cold", ours, _ccusage(place), 4.0, faults)


def recommend_big() -> Race:
    ledger = corpus.ledger() / "ledger"
    ours = [*TOKMAN, "recommend", "--format", "json", "--ledger", str(ledger)]

    def faults(mine: Path, rival: Path) -> list[str]:
        plan = json.loads(mine.read_bytes(), parse_float=Decimal)
        saved = plan["window_spend_before"] - plan["window_spend_after"]
        wrong = []
        if not 0 < saved < plan["window_spend_before"]:
            wrong.append(f"{saved} saved of {plan['window_spend_before']}")
        for way in ("window_incremental", "window_shapley"):
            total = sum(lever[way] for lever in plan["levers"])
            if total != saved:
                wrong.append(f"{way} adds up to {total}, not {saved}")
        if json.loads(rival.read_bytes())["calls"] != big_ledger.ROWS:
            wrong.append("the scan did not see every call")
        return wrong

    return Race(
        "recommend-big",
        "recommend on 10 M calls",
        Side("tokman", [ours]),
        Side("DuckDB, one scan of the same columns", [rivals.scan(ledger)]),
        20,
        faults,
        most_mb=4000,
    )


def litellm() -> Race:
    place, ledger, target = corpus.litellm(), WORK / "litellm", WORK / "litellm.parquet"
    source = place / "spend.jsonl"

    def faults(*_: Path) -> list[str]:
        truth, rows = corpus.facts(place), _litellm_sums(ledger)
        wrong = _differ("tokman", rows, truth)
        names = ("rows", "failed", "prompt_tokens", "completion_tokens", "billed_pico")
        theirs = dict(zip(names, rivals.converted_sums(target), strict=True))
        return wrong + _differ("duckdb", theirs, {name: truth[name] for name in names})

    rival = Side(
        "duckdb read_json → parquet",
        [rivals.convert(source, target)],
        before=lambda: target.unlink(missing_ok=True),
    )
    return Race("litellm", "ingest LiteLLM SpendLogs", _ingest(source, ledger), rival, 1.3, faults)


def report(by_hand: Callable[[Path], list[str]], label: str) -> Race:
    ledger = corpus.ledger() / "ledger"
    ours = [*TOKMAN, "report", "--by", "workflow", "--format", "json", "--ledger", str(ledger)]

    def faults(mine: Path, rival: Path) -> list[str]:
        wrong = []
        theirs = {row["workflow"]: row for row in json.loads(rival.read_bytes())}
        rows = json.loads(mine.read_bytes(), parse_float=Decimal)
        if len(rows) != len(theirs):
            wrong.append(f"{len(rows)} workflows, not {len(theirs)}")
        for row in rows:
            other = theirs[row["workflow"]]
            expected = {
                "calls": other["calls"],
                "input_tokens": sum(n for name, n in other.items() if "_input_tokens" in name),
                "cache_read_input_tokens": other["cache_read_input_tokens"],
                "output_tokens": other["output_tokens"],
                "list_cost": Decimal(other["list_cost"]),
            }
            mine_of = {name: Decimal(row[name]) for name in expected}
            wrong += _differ(row["workflow"], mine_of, expected)
        return wrong

    rival = Side(label, [by_hand(ledger)])
    name = "report-same" if by_hand is rivals.same_aggregate else "report"
    return Race(name, "report on 10 M calls", Side("tokman", [ours]), rival, 1.5, faults)


def big(name: str) -> Race:
    """Two gigabytes in under one of memory."""
    place, ledger, target = corpus.big(), WORK / "big", WORK / "big.parquet"
    source = place / name
    ours = _ingest(source, ledger)

    def faults(*_: Path) -> list[str]:
        return _differ("tokman", _litellm_sums(ledger), corpus.facts(place))

    rival = Side("duckdb read_json → parquet", [rivals.convert(source, target)])
    what = f"ingest 2 GB, {source.suffix.lstrip('.')}"
    return Race(f"big-{source.suffix.lstrip('.')}", what, ours, rival, 1.3, faults, most_mb=1000)


def _ingest(source: Path, ledger: Path) -> Side:
    command = [*TOKMAN, "ingest", str(source), "--ledger", str(ledger)]
    return Side("tokman", [command], before=lambda: shutil.rmtree(ledger, ignore_errors=True))


def _ccusage(place: Path) -> Side:
    env = {"CLAUDE_CONFIG_DIR": str(place)}
    return Side(f"ccusage {rivals.CCUSAGE}", [rivals.ccusage_daily()], env)


def _transcript_faults(place: Path, ledger: Path, ccusage: Path | None) -> list[str]:
    """Against the recount every class and the calls; against ccusage, which counts no calls."""
    truth = corpus.facts(place)
    sums = ", ".join(f"sum({name})::bigint as {name}" for name in truth if name != "calls")
    rows = _ask(ledger, f"select count(*) as calls, {sums} from usage where status = 'ok'")
    wrong = _differ("tokman", rows[0], truth)
    if ccusage is not None:
        totals = json.loads(ccusage.read_bytes())["totals"]
        theirs = {
            "uncached_input_tokens": totals["inputTokens"],
            "cache_read_input_tokens": totals["cacheReadTokens"],
            "cache_write_input_tokens": totals["cacheCreationTokens"],
            "output_tokens": totals["outputTokens"],
        }
        written = truth["cache_write_5m_input_tokens"] + truth["cache_write_1h_input_tokens"]
        expected = {**truth, "cache_write_input_tokens": written}
        wrong += _differ("ccusage", theirs, {name: expected[name] for name in theirs})
        cost = _ask(ledger, "select sum(list_cost)::double as cost from usage")[0]["cost"]
        if abs(cost / totals["totalCost"] - 1) > 1e-6:
            wrong.append(f"tokman: list cost {cost}, ccusage says {totals['totalCost']}")
    return wrong


def _litellm_sums(ledger: Path) -> dict[str, Any]:
    read, written = "cache_read_input_tokens", "cache_write_5m_input_tokens"
    return _ask(
        ledger,
        "select count(*) as rows, count(*) filter (status = 'error') as failed, "
        f"sum(uncached_input_tokens + {read} + {written})::bigint as prompt_tokens, "
        "sum(output_tokens)::bigint as completion_tokens, "
        f"sum({read})::bigint as cache_read, sum({written})::bigint as cache_write, "
        "(sum(billed_cost) * 1000000000000)::hugeint::bigint as billed_pico from usage",
    )[0]


def _ask(ledger: Path, question: str) -> list[dict[str, Any]]:
    command = [*TOKMAN, "sql", question, "--format", "json", "--ledger", str(ledger)]
    out = subprocess.run(command, check=True, capture_output=True).stdout
    rows: list[dict[str, Any]] = json.loads(out)
    return rows


def _differ(who: str, given: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    return [
        f"{who}: {name} is {given.get(name)}, not {right}"
        for name, right in expected.items()
        if given.get(name) != right
    ]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
