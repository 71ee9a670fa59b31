"""What the facts mean for whoever runs the installation: pure, so that each fault can be tested."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Literal

import msgspec

from certs.pair import WARN_BELOW_S
from sfu.shell.udp import BUFFER_BYTES
from telemed_media.probe.facts import Attempt, Entrance, Surroundings

DAY_S = 24 * 3600.0
LEAST_DISK_BYTES = 256 * 1024**2  # below, a write-ahead log and one backup may not fit
SCARCE_DISK_BYTES = 2 * 1024**3
OLD_BACKUP_S = 2 * DAY_S  # a nightly backup that failed once

_ROUTE = {"udp": "UDP", "ice-tcp": "TCP (ICE-TCP)", "turn-tls": "TURN over TLS"}
_STAGE = {
    "connect": "no connection",
    "check": "no answer",
    "keys": "an answer, but no encryption keys",
    "media": "keys, but no word of the sound that was sent",
}


class Finding(msgspec.Struct, frozen=True):
    """One line of the report; `mend` is "" where there is nothing to do."""

    check: str
    level: Literal["ok", "warning", "fault"]
    says: str
    mend: str = ""


def has_fault(findings: Iterable[Finding]) -> bool:
    return any(finding.level == "fault" for finding in findings)


def judge_surroundings(found: Surroundings) -> list[Finding]:
    """Certificate, disk, database, jobs, backups, buffers and clock."""
    findings = [
        _certificate(found),
        _disk(found.disk_free_bytes),
        _database(found.database_problem),
        _jobs(alive=found.jobs_alive),
        _buffers(found),
    ]
    if not found.demo:
        findings.append(_backup(found.backup_age_s))
    if found.clock_synchronised is not None:
        findings.append(_clock(synchronised=found.clock_synchronised))
    return findings


def judge_entrance(entrance: Entrance) -> Finding:
    """Whether people get to the pages, and devices into a room."""
    mends = {
        "unreachable": "Is the server running? Does PUBLIC_URL lead here, and does the firewall "
        "let its TCP port in?",
        "untrusted": "Is it this server that answers there? Then put the whole chain into "
        "TLS_CERT, the server's own certificate first.",
        "not_ready": "Look into the server's log.",
        "refused": "Look into the server's log.",
    }
    if not entrance.problem:
        return Finding("pages", "ok", f"{entrance.url} answers and is ready for calls.")
    says = {
        "unreachable": f"{entrance.url} cannot be reached",
        "untrusted": f"The certificate at {entrance.url} is not trusted",
        "not_ready": f"{entrance.url} answers but is not ready for calls",
        "refused": f"{entrance.url} lets nobody into a room",
    }[entrance.problem]
    return Finding("pages", "fault", f"{says}: {entrance.detail}.", mends[entrance.problem])


def judge_attempts(attempts: Iterable[Attempt], own_addresses: frozenset[str]) -> list[Finding]:
    """One finding per transport and address, and one when media have no way at all."""
    tried = tuple(attempts)
    findings = [_attempt(attempt, own_addresses) for attempt in tried]
    if not any(attempt.stage == "done" for attempt in tried):
        findings.append(
            Finding("media", "fault", "No transport carries media: no call is possible.")
        )
    return findings


def _attempt(attempt: Attempt, own_addresses: frozenset[str]) -> Finding:
    name = attempt.transport
    host = f"[{attempt.address}]" if ":" in attempt.address else attempt.address
    where = f"{_ROUTE[name]} at {host}:{attempt.port}"
    if attempt.stage == "done":
        return Finding(name, "ok", f"{where} carries media ({attempt.took_s * 1000:.0f} ms).")
    says = f"{where}: {_STAGE[attempt.stage]} (tried for {attempt.took_s:.1f} s)."
    if name != "turn-tls" and attempt.address not in own_addresses:
        return _foreign(attempt, says)
    return Finding(name, "fault", says, _mend(attempt))


def _foreign(attempt: Attempt, says: str) -> Finding:
    """An advertised address that this machine has not: a NAT's, or a mistake."""
    if ipaddress.ip_address(attempt.address).is_private:
        mend = f"{attempt.address} is not this machine's and is private: correct ADVERTISE."
        return Finding(attempt.transport, "fault", says, mend)
    protocol = "UDP" if attempt.transport == "udp" else "TCP"
    mend = (
        f"{attempt.address} is not this machine's. If a NAT has it, forward {protocol} "
        f"{attempt.port} from there to here; many NATs do not answer from inside, "
        "so try a call from outside. If not, correct ADVERTISE."
    )
    return Finding(attempt.transport, "warning", says, mend)


def _mend(attempt: Attempt) -> str:
    if attempt.stage in ("keys", "media"):
        return "Something between changes or drops packets; look at the firewall and at the log."
    if attempt.transport == "udp":
        return f"Let UDP port {attempt.port} in, and its answers out, in the machine's firewall."
    return f"Let TCP port {attempt.port} in; a proxy in front must not end TLS at this port."


def _certificate(found: Surroundings) -> Finding:
    if found.certificate_problem:
        mend = "Renew the certificate and start the server again."
        return Finding("certificate", "fault", found.certificate_problem, mend)
    if not _covers(found.certificate_names, found.host):
        says = f"The certificate is not for {found.host}, the address that people open."
        mend = f"Get one for {found.host}, or correct PUBLIC_URL."
        return Finding("certificate", "fault", says, mend)
    days = int(found.certificate_left_s // DAY_S)
    says = f"The certificate is for {found.host} and good for {days} more days."
    if found.certificate_left_s < WARN_BELOW_S:
        return Finding("certificate", "warning", says, "Renew it now.")
    return Finding("certificate", "ok", says)


def _covers(names: frozenset[str], host: str) -> bool:
    """RFC 9525 section 6.3: a wildcard stands for one label, the first."""
    return host in names or f"*.{host.partition('.')[2]}" in names


def _disk(free: int) -> Finding:
    says = f"{free / 1024**3:.1f} GiB are free on the data folder's disk."
    mend = "Make room: delete old backups, or move the data folder to a larger disk."
    if free < LEAST_DISK_BYTES:
        return Finding("disk", "fault", says, mend)
    return Finding("disk", *(("warning", says, mend) if free < SCARCE_DISK_BYTES else ("ok", says)))


def _database(problem: str) -> Finding:
    if problem:
        mend = "Check that the data folder is this user's, and that the disk is not full."
        return Finding("database", "fault", problem, mend)
    return Finding("database", "ok", "The database takes what is written.")


def _jobs(*, alive: bool) -> Finding:
    if alive:
        return Finding("jobs", "ok", "Mail and housekeeping worked in the last minute.")
    says = "Mail and housekeeping have not worked in the last minute."
    return Finding("jobs", "fault", says, "Is the server running? Look into its log for jobs.")


def _backup(age_s: float | None) -> Finding:
    mend = "Run `telemed-media backup` every night, and keep the copies on another machine."
    if age_s is None:
        return Finding("backup", "warning", "The data folder holds no backup.", mend)
    says = f"The newest backup in the data folder is {age_s / 3600:.0f} hours old."
    if age_s > OLD_BACKUP_S:
        return Finding("backup", "warning", says, mend)
    return Finding("backup", "ok", says)


def _buffers(found: Surroundings) -> Finding:
    limits = {
        "net.core.rmem_max": found.receive_buffer_bytes,
        "net.core.wmem_max": found.send_buffer_bytes,
    }
    small = {
        name: size for name, size in limits.items() if size is not None and size < BUFFER_BYTES
    }
    if not small:
        return Finding("buffers", "ok", "The kernel lets us have large network buffers.")
    shown = ", ".join(f"{name} is {size}" for name, size in small.items())
    wanted = " ".join(f"{name}={BUFFER_BYTES}" for name in small)
    says = f"{shown}: bursts of media may be lost unless the server runs as root."
    return Finding("buffers", "warning", says, f"Run `sysctl -w {wanted}` and put it in sysctl.d.")


def _clock(*, synchronised: bool) -> Finding:
    if synchronised:
        return Finding("clock", "ok", "The clock is kept right by a time service.")
    says = "No time service keeps the clock right: links and codes expire by it."
    return Finding(
        "clock", "warning", says, "Run chrony or systemd-timesyncd, here or on its host."
    )
