"""Which certificate serves, and how it stays good while the server runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import structlog

from certs.issuing import issue_server, make_authority
from certs.local_ca import ensure_local_pair
from certs.pair import CertificateError, Pair
from certs.serving import CertificateReloader, server_context
from telemed_media.certificate_watch import CertificateWatch
from telemed_media.certificates import first_pair, named_by_settings
from telemed_media.config import load_settings
from telemed_media.reach import Reach

DAY_S = 24 * 3600.0
REACH = Reach(("::",), ("192.168.1.7",), ("203.0.113.5",))


@pytest.fixture
def now() -> float:
    return time.time()


def own_certificate(folder: Path, now: float, name: str = "call.clinic.example") -> None:
    leaf = issue_server(make_authority(now), [name], now)
    (folder / "mine.pem").write_bytes(leaf.certificate_pem())
    (folder / "mine.key").write_bytes(leaf.key_pem())


def watched(pair: Pair, local_names: tuple[str, ...] | None) -> CertificateWatch:
    return CertificateWatch(CertificateReloader(server_context(pair), pair), local_names)


def test_a_first_run_is_good_for_what_people_type(tmp_path: Path, now: float) -> None:
    settings = load_settings({"public_url": "https://call.clinic.example"}, {})
    pair, local = first_pair(settings, tmp_path, named_by_settings(settings, REACH), now)
    assert local
    assert pair.names >= {"localhost", "192.168.1.7", "203.0.113.5", "call.clinic.example"}


def test_a_certificate_by_settings_is_used_as_it_is(tmp_path: Path, now: float) -> None:
    own_certificate(tmp_path, now)
    given = {"tls_cert": tmp_path / "mine.pem", "tls_key": tmp_path / "mine.key"}
    pair, local = first_pair(load_settings(given, {}), tmp_path, (), now)
    assert not local
    assert pair.names == {"call.clinic.example"}
    assert not (tmp_path / "ca.pem").exists()


def test_a_wrong_certificate_by_settings_stops_the_start(tmp_path: Path, now: float) -> None:
    own_certificate(tmp_path, now)
    given = {"tls_cert": tmp_path / "mine.pem", "tls_key": tmp_path / "other.key"}
    with pytest.raises(CertificateError, match="does not exist"):
        first_pair(load_settings(given, {}), tmp_path, (), now)


def test_a_local_certificate_is_renewed_while_it_serves(tmp_path: Path, now: float) -> None:
    watch = watched(ensure_local_pair(tmp_path, ("192.0.2.77",), now), ("192.0.2.77",))
    with structlog.testing.capture_logs() as lines:
        watch.check(now)
    assert [line["event"] for line in lines] == ["certificate_reloaded"]  # the machine's own names
    assert watch.seconds_left() > 390 * DAY_S


def test_the_near_end_is_told_once_a_day(tmp_path: Path, now: float) -> None:
    own_certificate(tmp_path, now)
    given = {"tls_cert": tmp_path / "mine.pem", "tls_key": tmp_path / "mine.key"}
    watch = watched(first_pair(load_settings(given, {}), tmp_path, (), now)[0], None)
    with structlog.testing.capture_logs() as lines:
        for day in (0, 380, 380.5, 381.1):
            watch.check(now + day * DAY_S)
    assert [(line["event"], line["days_left"]) for line in lines] == [
        ("certificate_expires_soon", 15),
        ("certificate_expires_soon", 14),
    ]


def test_a_half_copied_certificate_is_told_and_the_old_one_serves(
    tmp_path: Path, now: float
) -> None:
    own_certificate(tmp_path, now)
    given = {"tls_cert": tmp_path / "mine.pem", "tls_key": tmp_path / "mine.key"}
    watch = watched(first_pair(load_settings(given, {}), tmp_path, (), now)[0], None)
    (tmp_path / "mine.pem").write_bytes(b"half of")
    with structlog.testing.capture_logs() as lines:
        watch.check(now)
        watch.check(now)
    assert [line["event"] for line in lines] == ["certificate_not_reloaded"]
    assert watch.seconds_left() > 390 * DAY_S
