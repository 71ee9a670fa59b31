"""What this machine says about itself; Linux files that another system has not count as silence."""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path

import msgspec

from certs.addresses import read_interfaces
from certs.pair import CertificateError, read_pair, seconds_left
from telemed_media.config import Settings
from telemed_media.data_folder import DataFolder
from telemed_media.heartbeat import beats
from telemed_media.probe.facts import Surroundings

_LIMITS = Path("/proc/sys/net/core")
_TIMEX_BYTES = 256  # struct timex of adjtimex(2) has 208
_STATUS = slice(40, 44)  # its `status`, on 64-bit Linux
_STA_UNSYNC = 0x40


class _Certificate(msgspec.Struct, frozen=True):
    problem: str = ""
    names: frozenset[str] = frozenset()
    left_s: float = 0.0


def look_around(
    settings: Settings, folder: DataFolder, host: str, database_problem: str, now: float
) -> Surroundings:
    """`host` is of the address that people open, `now` Unix seconds."""
    certificate = _read_certificate(settings, folder, now)
    return Surroundings(
        certificate_problem=certificate.problem,
        certificate_names=certificate.names,
        certificate_left_s=certificate.left_s,
        host=host,
        own_addresses=frozenset(item.address for item in read_interfaces()),
        receive_buffer_bytes=_limit("rmem_max"),
        send_buffer_bytes=_limit("wmem_max"),
        clock_synchronised=_clock_is_kept(),
        disk_free_bytes=shutil.disk_usage(folder.root).free,
        jobs_alive=beats(folder.run),
        backup_age_s=_backup_age(folder.backups, now),
        database_problem=database_problem,
        demo=folder.demo,
    )


def _read_certificate(settings: Settings, folder: DataFolder, now: float) -> _Certificate:
    certificate = settings.tls_cert or folder.tls / "cert.pem"
    key = settings.tls_key or folder.tls / "key.pem"
    try:
        pair = read_pair(certificate.resolve(), key.resolve(), now)
    except CertificateError as problem:
        return _Certificate(str(problem))
    return _Certificate("", pair.names, seconds_left(pair, now))


def _limit(name: str) -> int | None:
    try:
        return int((_LIMITS / name).read_text())
    except (OSError, ValueError):
        return None


def _clock_is_kept() -> bool | None:
    """What the kernel knows of it; reading needs no privilege (adjtimex(2), modes 0)."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if adjtimex(timex) < 0:
        return None
    return not int.from_bytes(timex.raw[_STATUS], "little") & _STA_UNSYNC


def _backup_age(folder: Path, now: float) -> float | None:
    made = [path.stat().st_mtime for path in folder.glob("*") if path.is_file()]
    return now - max(made) if made else None
