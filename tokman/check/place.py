"""Where a person would look for what a finding is about."""

from __future__ import annotations

import os
from pathlib import Path

from tokman.check.baseline import line_of
from tokman.check.verdict import Finding, Place


def place(baseline: Path | None, config: str | None, finding: Finding) -> Place | None:
    """The workflow's line in the baseline file, else the gate's part of tokman.toml; None where
    there is neither."""
    if finding.rule != "budget" and baseline is not None:
        return Place(path=os.path.relpath(baseline), line=line_of(baseline, finding.workflow))
    if config is None:
        return None
    begins = "[[check.budgets]]" if finding.rule == "budget" else "[check]"
    lines = Path(config).read_text(encoding="utf-8").splitlines()
    line = next((at for at, text in enumerate(lines, 1) if text.strip().startswith(begins)), 1)
    return Place(path=os.path.relpath(config), line=line)
