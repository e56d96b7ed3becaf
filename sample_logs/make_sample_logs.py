"""Write sample_logs/: four invented weeks of model calls at Lumen Desk, a company of 22 people.

python sample_logs/make_sample_logs.py [ROOT]     the same bytes on every run; ROOT: the repository

What is planted is counted while it is written, in expected.json, without any help from tokman.
"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import timedelta
from pathlib import Path

sys.dont_write_bytecode = True  # no __pycache__ among the logs

from making import agents, bill, gateway, raw  # noqa: E402
from making.books import DAYS, FIRST_DAY, GPT, SONNET, Json, Maker, Tokens, totals  # noqa: E402

FOLDERS = (
    "anthropic",
    "claude-projects",
    "codex-sessions",
    "gemini",
    "litellm",
    "openai",
    "statements",
)
NOTES = {
    "calls": "distinct calls that were billed: neither failed nor answered by a response cache",
    "tokens": "of those calls; all but reasoning are disjoint, reasoning is a part of output",
    "list_cost_usd": "at standard list prices (work in a batch too), unpriced calls left out",
}
MUST_NOT_FIND = [
    {"lever": "batch", "workflow": "support-assistant", "why": "streamed to customers who wait"},
    {"lever": "batch", "workflow": "docs-qa", "why": "staff wait for the answer"},
    {"lever": "batch", "workflow": "lumen-web", "why": "each call needs the one before"},
    {"lever": "batch", "workflow": "weekly-themes", "why": "in a batch already"},
    {"lever": "batch", "workflow": "review-replies", "why": "in a batch already"},
    {"lever": "prompt-cache", "workflow": "support-assistant", "why": "cached already"},
    {"lever": "response-cache", "workflow": "ticket-labels", "why": "equal only because redacted"},
    {"lever": "stop", "workflow": "lumen-web", "why": "checks that move on, tests after edits"},
]  # fmt: skip


def cost_suite(m: Maker) -> Json:
    """Two runs of one evaluation suite; the pull request adds to the prompt of one workflow."""
    prompts = {
        "support-assistant": [m.rng.randint(1700, 3100) for _ in range(60)],
        "ticket-labels": [m.rng.randint(350, 900) for _ in range(60)],
    }
    added = round(0.35 * sum(prompts["support-assistant"]) / 60)
    spent: dict[str, dict[str, float]] = {}
    for day, run in ((24, "main"), (25, "pull_request")):
        start, rows = FIRST_DAY + timedelta(days=day, hours=11), []
        for workflow, sizes in prompts.items():
            support = workflow == "support-assistant"
            for number, size in enumerate(sizes):
                grown = added if support and run == "pull_request" else 0
                case = f"{workflow}-{number + 1:02}"
                output = 200 + 2 * number + m.rng.randint(-12, 12) if support else 1 + number % 4
                tokens = Tokens(size + grown, output=output)
                call: Json = {"start": start, "model": SONNET if support else GPT}
                call |= {"provider": "anthropic" if support else "openai", "team": "platform"}
                call |= {"workflow": workflow, "key": "ci-cost-suite", "session": f"{run}-{case}"}
                call |= {"extra": {"case_id": case}, "tags": [f"case:{case}", "suite:cost"]}
                rows.append(gateway.spend_log(m, call, tokens))
                side = spent.setdefault(workflow, {})
                side[run] = side.get(run, 0) + tokens.cost(call["model"])
                start += timedelta(seconds=m.between(2, 6))
        m.write(f".github/cost-suite/{run}.jsonl", rows)
    return {
        "cases_per_workflow": 60,
        "added_prompt_tokens": added,
        "cost_ratio": {w: round(s["pull_request"] / s["main"], 6) for w, s in spent.items()},
        "list_cost_usd": {w: {r: c / 10**12 for r, c in s.items()} for w, s in spent.items()},
    }


def main(root: Path) -> None:
    """Write everything under `root`, in the one order the seed allows."""
    m = Maker(root)
    for folder in FOLDERS:
        shutil.rmtree(m.logs / folder, ignore_errors=True)
    gateway.spend_logs(m)
    gateway.ticket_labels(m)
    raw.nightly_digest(m)
    raw.docs_qa(m)
    raw.doc_embeddings(m)
    raw.batches(m)
    raw.image_captions(m)
    agents.claude_code(m)
    agents.codex(m)
    bill.bill(m)
    suite, rows = cost_suite(m), m.books.rows
    expected = {
        "period": [f"{FIRST_DAY + timedelta(days=d):%Y-%m-%d}" for d in (0, DAYS - 1)],
        "notes": NOTES,
        "all": totals(rows.values()),
        "sources": {
            source: totals(row for key, row in rows.items() if key[0] == source)
            for source in sorted({source for source, _ in rows})
        },
        "streams": [
            {
                "source": source,
                "workflow": workflow,
                "models": sorted(m.books.models[source, workflow]),
            }
            | totals([row])
            for (source, workflow), row in sorted(rows.items())
        ],
        "rejects": m.books.broken,
        "repeats": m.books.repeats,
        "findings": m.books.findings,
        "must_not_find": MUST_NOT_FIND,
        "bill": {"provider": "anthropic", "differences_usd": m.books.bill},
        "cost_suite": suite,
    }
    path = m.logs / "expected.json"
    path.write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
