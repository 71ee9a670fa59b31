"""Each fault that a look can find is named, with what mends it, and nothing else is called one."""

from __future__ import annotations

import msgspec
import pytest

from telemed_media.probe.facts import Attempt, Entrance, Surroundings
from telemed_media.probe.offer import read_answer
from telemed_media.probe.report import as_lines
from telemed_media.probe.verdict import (
    DAY_S,
    Finding,
    has_fault,
    judge_attempts,
    judge_entrance,
    judge_surroundings,
)

OWN = frozenset({"203.0.113.7", "127.0.0.1"})
WELL = Surroundings(
    certificate_problem="",
    certificate_names=frozenset({"call.clinic.example"}),
    certificate_left_s=60 * DAY_S,
    host="call.clinic.example",
    own_addresses=OWN,
    receive_buffer_bytes=8 * 1024**2,
    send_buffer_bytes=8 * 1024**2,
    clock_synchronised=True,
    disk_free_bytes=50 * 1024**3,
    jobs_alive=True,
    backup_age_s=3600.0,
    database_problem="",
    demo=False,
)
GOOD = Attempt("udp", "203.0.113.7", 8443, "done", 0.1)


def of(found: Surroundings, check: str) -> Finding:
    return next(finding for finding in judge_surroundings(found) if finding.check == check)


def test_nothing_is_wrong_where_all_is_well() -> None:
    findings = [*judge_surroundings(WELL), *judge_attempts([GOOD], OWN)]
    findings.append(judge_entrance(Entrance("https://call.clinic.example")))
    assert {finding.level for finding in findings} == {"ok"}
    assert not has_fault(findings)


@pytest.mark.parametrize(
    ("changed", "check", "level", "word"),
    [
        ({"certificate_problem": "It expired on 2026-01-01."}, "certificate", "fault", "expired"),
        ({"host": "other.example"}, "certificate", "fault", "other.example"),
        ({"certificate_left_s": 5 * DAY_S}, "certificate", "warning", "5 more days"),
        ({"disk_free_bytes": 100 * 1024**2}, "disk", "fault", "0.1 GiB"),
        ({"disk_free_bytes": 1024**3}, "disk", "warning", "1.0 GiB"),
        ({"database_problem": "readonly"}, "database", "fault", "readonly"),
        ({"jobs_alive": False}, "jobs", "fault", "Mail"),
        ({"backup_age_s": None}, "backup", "warning", "no backup"),
        ({"backup_age_s": 3 * DAY_S}, "backup", "warning", "72 hours"),
        ({"receive_buffer_bytes": 212_992}, "buffers", "warning", "rmem_max"),
        ({"clock_synchronised": False}, "clock", "warning", "time service"),
    ],
)
def test_each_fault_of_the_machine_is_named(
    changed: dict[str, object], check: str, level: str, word: str
) -> None:
    finding = of(msgspec.structs.replace(WELL, **changed), check)
    assert finding.level == level
    assert word in finding.says
    assert finding.mend


def test_a_wildcard_stands_for_one_label() -> None:
    names = frozenset({"*.clinic.example"})
    assert of(msgspec.structs.replace(WELL, certificate_names=names), "certificate").level == "ok"
    deep = msgspec.structs.replace(WELL, certificate_names=names, host="a.call.clinic.example")
    assert of(deep, "certificate").level == "fault"


def test_a_demo_needs_no_backup() -> None:
    checks = {f.check for f in judge_surroundings(msgspec.structs.replace(WELL, demo=True))}
    assert "backup" not in checks


def test_a_private_address_that_is_not_ours_is_a_wrong_advertise() -> None:
    wrong = Attempt("udp", "10.9.9.9", 8443, "check", 5.0)
    by_tcp = Attempt("ice-tcp", "10.9.9.9", 8443, "connect", 0.0)
    *named, last = judge_attempts([wrong, by_tcp, GOOD], OWN)
    assert {finding.level for finding in named} == {"fault"}
    assert all("correct ADVERTISE" in finding.mend for finding in named)
    assert last.level == "ok"


def test_a_public_address_of_a_nat_that_does_not_answer_from_inside_is_no_fault() -> None:
    outside = Attempt("udp", "198.41.0.4", 8443, "check", 5.0)
    first = judge_attempts([outside, GOOD], OWN)[0]
    assert first.level == "warning"
    assert "forward UDP 8443" in first.mend


def test_no_transport_at_all_is_a_fault_of_its_own() -> None:
    closed = Attempt("ice-tcp", "203.0.113.7", 8443, "connect", 5.0)
    assert judge_attempts([closed], OWN)[-1].check == "media"


def test_an_answer_without_a_fingerprint_is_none() -> None:
    with pytest.raises(LookupError):
        read_answer("v=0\r\na=setup:passive\r\n")


def test_the_table_says_what_to_do_below_each_fault() -> None:
    lines = as_lines([Finding("udp", "fault", "No answer.", "Open it.")]).splitlines()
    assert lines[0].split() == ["FAULT", "udp", "No", "answer."]
    assert lines[1].strip() == "→ Open it."
