"""The lever Stop: its rules one after another, no call found twice, what they find removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tokman import economics, sql
from tokman.recommend.lever import LEAST, Cell, LeftAlone, Proposal, Scene, label
from tokman.recommend.stop.attempts import BILLED_ERROR, CUT_ANSWER, DOUBLE_SUBMIT, RETRY_STORM
from tokman.recommend.stop.conversations import ABANDONED, RUNAWAY
from tokman.recommend.stop.jobs import IDLE_JOB
from tokman.recommend.stop.loops import LONG_TOOL_RUN, LOOP, UNSEEN_LOOP
from tokman.recommend.stop.rule import Episode, Found, Rule, dollars, plural

if TYPE_CHECKING:
    from tokman.config import Config

FINDERS = (
    "loops",
    "long_runs",
    "retries",
    "errors",
    "doubles",
    "abandoned",
    "runaways",
    "idle_jobs",
)
"""Questions in order of priority: a call that one has found is not the next one's."""

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        LOOP,
        UNSEEN_LOOP,
        LONG_TOOL_RUN,
        RETRY_STORM,
        BILLED_ERROR,
        CUT_ANSWER,
        DOUBLE_SUBMIT,
        ABANDONED,
        RUNAWAY,
        IDLE_JOB,
    )
}
UNSURE = {
    "unanswered": "{} end in tool calls without an answer; whether their work was done is not in "
    "the log: log a score or a reaction, and those that failed can be counted",
    "cut": "{} ended at their limit of tokens; whether they were of use is not in the log",
}
"""What `unsure.sql` finds, in words."""
NOUNS = {"unanswered": "conversation", "cut": "answer"}
CELLS = {"cell": "integer", "rule": "varchar", "workflow": "varchar"}


class Stop:
    """Calls without which nothing would be missed (science.md §5)."""

    name = "stop"
    together = False

    def propose(self, scene: Scene) -> Proposal:
        """One cell a rule and workflow; the calls it counts consume nothing."""
        _find(scene)
        rows = scene.ask("stop/cells", least=LEAST)
        proposal = Proposal(left=[*self._left(scene)])
        if rows:
            worst = _worst(scene)
            noted = [(cell, row["rule"], row["workflow"]) for cell, row in enumerate(rows)]
            scene.note("stop_cells", CELLS, noted)
            scene.make("proposal", "stop/removed")
            wasted: dict[str | None, Decimal] = defaultdict(Decimal)
            for row in rows:
                wasted[row["workflow"]] += row["cost"]
            proposal.cells = [
                _cell(
                    row,
                    worst[row["rule"], row["workflow"]],
                    _tolerance(scene.config, row, wasted[row["workflow"]]),
                )
                for row in rows
            ]
        scene.connection.execute("drop table stopped")
        return proposal

    def _left(self, scene: Scene) -> Iterator[LeftAlone]:
        """What may be waste, but for something that the log does not tell."""
        for row in scene.ask("stop/unsure"):
            spent = f"{plural(row['calls'], NOUNS[row['kind']])} ({dollars(row['cost'])})"
            yield LeftAlone(self.name, row["workflow"], None, UNSURE[row["kind"]].format(spent))


def _find(scene: Scene) -> None:
    """Table `stopped`: each call found, by which rule, in which episode and how large that is."""
    scene.connection.execute(
        "create or replace temp table stopped "
        "(call bigint, rule varchar, episode bigint, size bigint, measure double)"
    )
    for finder in FINDERS:
        scene.connection.execute(
            "insert into stopped by name select * from "
            f"({sql.text(f'recommend/stop/{finder}')}) as found anti join stopped using (call)"
        )


def _worst(scene: Scene) -> dict[tuple[str, str | None], list[Episode]]:
    found = defaultdict(list)
    for row in scene.ask("stop/worst"):
        found[row["rule"], row["workflow"]].append(
            Episode(
                row["conversation_id"],
                f"{row['file']}:{row['line']}",
                row["calls"],
                row["cost"],
                row["tool_names"] or [],
            )
        )
    return found


def _tolerance(config: Config, row: dict[str, Any], wasted: Decimal) -> str:
    """How much of a workflow's spend the rules found, beside what its owner tolerates."""
    tolerated = economics.terms(config, row["workflow"]).waste
    share = float(wasted / row["spent"])
    how = "within" if share <= tolerated else "above"
    if share > 2 * tolerated:
        how = "more than twice"
    return (
        f"all that looks like waste here is {share:.1%} of what the workflow costs, {how} "
        f"the {tolerated:.0%} that is tolerated"
    )


def _cell(row: dict[str, Any], worst: list[Episode], tolerance: str) -> Cell:
    rule = RULES[row["rule"]]
    words = rule.words(Found(label(row["workflow"]), row, worst))
    return Cell(
        title=words.title,
        workflow=row["workflow"],
        provider=row["provider_id"],
        model=row["model_id"],
        change=words.change,
        evidence=rule.evidence,
        facts=[*words.facts, tolerance],
        risks=words.risks,
        proof=words.proof,
        rule=rule.name,
        effort=rule.effort,
    )
