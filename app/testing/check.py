"""Check a plugin folder: that it loads, keeps the import rule, and that its formats pass the contract.

``python -m app.testing.check DIR`` prints the report and fails where it found something; ``promontory
check-plugin DIR`` does the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from app.plugin.loading import load_one
from app.testing.imports import forbidden_imports
from app.testing.pytest_plugin import OPTION

SUITE = Path(__file__).with_name("suite.py")
PATIENCE = 900
"""Seconds that the contract may take for one plugin."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one thing that is wrong: the rule or test, the format where it is about one, and what was found."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class PluginReport:
    """Hold what checking a plugin found; ``passed`` counts the tests of the contract that passed."""

    directory: str
    formats: tuple[str, ...]
    passed: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong, and something was proved."""
        return not self.findings and self.passed > 0

    def lines(self) -> Iterator[str]:
        """Give the report as lines for people."""
        named = ", ".join(self.formats) or "no format"
        yield f"{self.directory}: {named}; {self.passed} tests passed, {len(self.findings)} findings"
        by_message: dict[str, list[str]] = {}
        for finding in self.findings:
            by_message.setdefault(finding.message, []).append(finding.rule)
        for message, rules in by_message.items():
            more = f" (and {len(rules) - 1} more)" if len(rules) > 1 else ""
            yield f"- {rules[0]}{more}: {message}"


def check_plugin(directory: Path) -> PluginReport:
    """Check a plugin folder; never raises for what the plugin does wrong.

    The contract runs in a process of its own, because a plugin may break the one that it runs in.
    """
    folder = directory.resolve()
    loaded = load_one(folder)
    failure = next((source.failure for source in loaded.sources if source.failure), "")
    formats = tuple(loaded.formats)
    if failure or not formats:
        return PluginReport(str(directory), (), 0, (Finding("loading", failure or "the plugin brings no format"),))
    imports = tuple(Finding("imports", str(each)) for each in forbidden_imports(folder))
    passed, failed = _run_contract(folder)
    return PluginReport(str(directory), formats, passed, (*imports, *failed))


def _run_contract(folder: Path) -> tuple[int, Sequence[Finding]]:
    with tempfile.TemporaryDirectory(prefix="promontory-check-") as scratch:
        report = Path(scratch, "report.xml")
        # The suite's own process: no configuration, no plugins and no cache of whatever folder this is.
        command = [
            *(sys.executable, "-m", "pytest", str(SUITE), "--quiet", "-p", "app.testing.pytest_plugin"),
            *(
                "-p",
                "no:cacheprovider",
                "-c",
                os.devnull,
                "--rootdir",
                scratch,
                "--basetemp",
                str(Path(scratch, "base")),
            ),
            *(f"--junit-xml={report}", OPTION, str(folder)),
        ]
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and suite
                command, capture_output=True, text=True, timeout=PATIENCE, env=environment, cwd=scratch, check=False
            )
        except subprocess.TimeoutExpired:
            return 0, [Finding("contract", f"the contract took more than {PATIENCE} seconds")]
        if not report.is_file():
            return 0, [Finding("contract", (done.stdout + done.stderr).strip()[-2000:])]
        return _results(ET.parse(report).getroot())  # noqa: S314 - written by our own process


def _results(root: ET.Element) -> tuple[int, Sequence[Finding]]:
    passed = 0
    findings: list[Finding] = []
    for case in root.iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error")]
        findings.extend(Finding(case.get("name", "?"), _first_line(child)) for child in bad)
        passed += not bad and case.find("skipped") is None
    return passed, findings


def _first_line(failure: ET.Element) -> str:
    return (failure.get("message") or failure.text or "").strip().split("\n")[0][:500]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the folders that are named; with ``--json`` print JSON."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    reports = [check_plugin(Path(word)) for word in words if word != "--json"]
    for report in reports:
        if "--json" in words:
            print(json.dumps(_as_json(report)))  # noqa: T201 - this is a command
        else:
            print("\n".join(report.lines()))  # noqa: T201 - this is a command
    return 0 if reports and all(report.ok for report in reports) else 1


def _as_json(report: PluginReport) -> dict[str, object]:
    findings = [{"rule": finding.rule, "message": finding.message} for finding in report.findings]
    return {
        "directory": report.directory,
        "formats": list(report.formats),
        "passed": report.passed,
        "ok": report.ok,
        "findings": findings,
    }


if __name__ == "__main__":
    sys.exit(main())
