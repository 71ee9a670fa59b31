"""The findings as people and as programs read them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from telemed_media.probe.verdict import Finding

_LEVELS = {"ok": "OK", "warning": "warning", "fault": "FAULT"}


def as_lines(findings: Sequence[Finding]) -> str:
    """A table of plain text: level, check, sentence; what mends it in a line below."""
    width = max((len(finding.check) for finding in findings), default=0)
    return "".join(_lines(finding, width) for finding in findings)


def as_one_json(findings: Sequence[Finding]) -> str:
    """One line: an array of objects with check, level, says and mend."""
    return msgspec.json.encode(findings).decode() + "\n"


def _lines(finding: Finding, width: int) -> str:
    line = f"{_LEVELS[finding.level]:<8} {finding.check:<{width}}  {finding.says}\n"
    return line + (f"{'':<8} {'':<{width}}  → {finding.mend}\n" if finding.mend else "")
