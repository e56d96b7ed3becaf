"""`python -m tests.bench`: tokman and its rivals in turn on the same bytes.

Exit code 1: an answer was wrong or a run failed. A missed time is printed, with by how much.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from . import races
from .corpus import HOME
from .measure import Failed, Sample

COLUMNS = ("race", "n", "tokman s", "rival s", "ratio", "best", "target", "cpu s", "rival", "ratio",
           "MB", "rival", "verdict")  # fmt: skip


def main() -> int:
    """Run the races asked for, print the table, keep the samples."""
    known = races.races()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="timed runs a side [5]")
    parser.add_argument("--only", action="append", choices=known, help="just this race")
    parser.add_argument("--big", action="store_true", help="2 GB in under 1 GB of memory, too")
    asked = parser.parse_args()
    (HOME / "out").mkdir(parents=True, exist_ok=True)
    chosen = {name: make for name, make in known.items() if name in (asked.only or known)}
    if asked.big:
        chosen["big-jsonl"] = lambda: races.big("plain.jsonl")
        chosen["big-gz"] = lambda: races.big("packed.jsonl.gz")
    results: list[dict[str, Any]] = []
    wrong: list[str] = []
    for name, make in chosen.items():
        runs = 1 if "big" in name else asked.runs
        try:
            race = make()
            print(f"{race.what}: {race.ours.label} against {race.rival.label}", file=sys.stderr)
            results.append(held(race, runs))
            wrong += [f"{name}: {fault}" for fault in results[-1]["faults"]]
        except subprocess.CalledProcessError as error:
            wrong.append(f"{name}: {error.cmd[0]}: {error.stderr.decode().strip()[-300:]}")
        except (Failed, OSError, ValueError, KeyError) as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}")
    (HOME / "results.json").write_text(json.dumps(results, indent=2))
    show(results)
    for fault in wrong:
        print(f"WRONG {fault}")
    return 1 if wrong else 0


def held(race: races.Race, runs: int) -> dict[str, Any]:
    """One run of each side to warm up and to watch its memory, then the timed ones in turn."""
    ours, theirs = HOME / "out" / f"{race.name}.tokman", HOME / "out" / f"{race.name}.rival"
    sides = [(race.rival, theirs), (race.ours, ours)]
    peaks = {id(side): side.run(out, memory=True).peak_mb for side, out in sides}
    faults = race.check(ours, theirs)
    times: dict[int, list[Sample]] = {id(race.ours): [], id(race.rival): []}
    for _ in range(runs):
        for side, out in sides:
            times[id(side)].append(side.run(out))
    faults += race.check(ours, theirs)
    mine, others = times[id(race.ours)], times[id(race.rival)]
    result: dict[str, Any] = {
        "race": race.name,
        "what": race.what,
        "rival": race.rival.label,
        "runs": runs,
        "load": os.getloadavg()[0],
        "wall": _median(mine, "wall"),
        "rival_wall": _median(others, "wall"),
        "cpu": _median(mine, "cpu"),
        "rival_cpu": _median(others, "cpu"),
        "peak_mb": peaks[id(race.ours)],
        "rival_peak_mb": peaks[id(race.rival)],
        "target": race.target,
        "faults": sorted(set(faults)),
        "samples": [asdict(sample) for sample in mine],
        "rival_samples": [asdict(sample) for sample in others],
    }
    result["ratio"] = result["wall"] / result["rival_wall"]
    result["best_ratio"] = min(one.wall for one in mine) / min(one.wall for one in others)
    result["cpu_ratio"] = result["cpu"] / result["rival_cpu"]
    result["met"] = result["ratio"] <= race.target
    if race.most_mb is not None and result["peak_mb"] > race.most_mb:
        result["faults"].append(f"peak memory {result['peak_mb']:.0f} MB, over {race.most_mb:.0f}")
    return result


def _median(samples: list[Sample], name: str) -> float:
    return float(statistics.median(getattr(sample, name) for sample in samples))


def show(results: list[dict[str, Any]]) -> None:
    """The table on stdout."""
    rows = [COLUMNS]
    for each in results:
        verdict = "met" if each["met"] else f"{each['ratio'] / each['target']:.2f}× the target"
        rows.append((
            each["race"], str(each["runs"]), f"{each['wall']:.2f}", f"{each['rival_wall']:.2f}",
            f"{each['ratio']:.2f}×", f"{each['best_ratio']:.2f}×",
            f"{each['target']:.2f}×", f"{each['cpu']:.2f}",
            f"{each['rival_cpu']:.2f}", f"{each['cpu_ratio']:.2f}×", f"{each['peak_mb']:.0f}",
            f"{each['rival_peak_mb']:.0f}", "WRONG ANSWER" if each["faults"] else verdict,
        ))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
    print(
        "\nMedians of whole processes run in turn, start-up included. MB: peak of the tree of\n"
        "processes, shared pages counted once, in a run of its own. best: ratio of the\n"
        "fastest runs, for a machine that has other work. Answers are checked. "
        f"Samples: {HOME / 'results.json'}"
    )


if __name__ == "__main__":
    sys.exit(main())
