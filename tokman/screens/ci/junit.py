"""JUnit XML: a test suite for each rule, a test case for each workflow.

Elements and attributes are those of the schema of Jenkins's xUnit plugin, the narrowest in use:
https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as xml

from tokman.render.cells import harmless, plain
from tokman.screens.ci.words import answer, figures, measure, place, reasons, subject, weight

if TYPE_CHECKING:
    from tokman.check.verdict import Finding, Verdict


def junit(verdict: Verdict, root: Path) -> str:
    """What fails the build is a failure; what nothing is said of, or is let pass, is skipped; a
    warning passes and says so in its output."""
    suites: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        suites.setdefault(measure(finding), []).append(finding)
    whole = xml.Element("testsuites", {"name": "tokman check", "time": "0"})
    for number, (name, findings) in enumerate(suites.items()):
        suite = xml.SubElement(whole, "testsuite", {"name": name, "errors": "0", "time": "0"})
        if not number:
            _about(suite, verdict)
        for finding in findings:
            _case(suite, finding, verdict, root)
        _count(suite, "testcase", "tests")
        _count(suite, "testcase/failure", "failures")
        _count(suite, "testcase/skipped", "skipped")
        if not number:
            said = [answer(verdict), *map(harmless, verdict.notes)]
            said += ["", *reasons(verdict.moved)] if verdict.moved else []
            xml.SubElement(suite, "system-out").text = "\n".join(said)
    _count(whole, "testsuite/testcase", "tests")
    _count(whole, "testsuite/testcase/failure", "failures")
    whole.set("errors", "0")
    xml.indent(whole)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(whole, "unicode") + "\n"


def _count(element: xml.Element, path: str, name: str) -> None:
    element.set(name, str(len(element.findall(path))))


def _about(suite: xml.Element, verdict: Verdict) -> None:
    """What was compared, and why the spend moved, as properties."""
    stated = {
        "outcome": verdict.outcome,
        "mode": verdict.mode,
        "unit": verdict.unit,
        "baseline": verdict.base,
        "change": verdict.change,
        "detectable": verdict.detectable,
        "rate_card": verdict.rate_card,
        "priced_at": verdict.priced_at,
        "unpriced_calls": verdict.unpriced_calls,
        "unpriced_calls_before": verdict.base_unpriced_calls,
    }
    if verdict.moved:
        stated |= {"spend_before": f"{plain(verdict.moved.before):f}"}
        stated |= {"spend_now": f"{plain(verdict.moved.now):f}"}
        stated |= {
            f"spend_moved_by.{part.factor}": f"{plain(part.amount):f}"
            for part in verdict.moved.parts
        }
    properties = xml.SubElement(suite, "properties")
    for name, value in stated.items():
        if value is not None:
            pair = {"name": harmless(name), "value": harmless(str(value))}
            xml.SubElement(properties, "property", pair)


def _case(suite: xml.Element, finding: Finding, verdict: Verdict, root: Path) -> None:
    case = xml.SubElement(
        suite,
        "testcase",
        {"name": subject(finding), "classname": f"tokman.check.{finding.rule}", "time": "0"},
    )
    why = harmless(finding.why)
    at = place(finding, root)
    where = [] if at is None else [f"at {at[0]}:{at[1]}"]
    body = "\n".join([why, *figures(finding, verdict), *where])
    if weight(finding, verdict) == "error":
        found = {"type": finding.outcome, "message": why}
        xml.SubElement(case, "failure", found).text = body
    elif finding.outcome in ("pass", "warn"):
        xml.SubElement(case, "system-out").text = f"{finding.outcome}: {body}"
    else:
        only = "informational, " if finding.outcome == "regression" else ""
        reason = {"type": finding.outcome, "message": f"{only}{finding.outcome}: {why}"}
        xml.SubElement(case, "skipped", reason).text = body
