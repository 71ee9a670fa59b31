"""Real certificates given by settings: what is wrong is told in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from certs.issuing import Issued, issue_server, make_authority
from certs.pair import CertificateError, expires_soon, read_pair, seconds_left

NOW = 1_790_000_000.0
DAY_S = 24 * 3600.0


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    leaf = issue_server(make_authority(NOW), ["call.clinic.example"], NOW)
    (tmp_path / "cert.pem").write_bytes(leaf.certificate_pem())
    (tmp_path / "key.pem").write_bytes(leaf.key_pem())
    return leaf


def refusal(tmp_path: Path, now: float = NOW) -> str:
    with pytest.raises(CertificateError) as caught:
        read_pair(tmp_path / "cert.pem", tmp_path / "key.pem", now)
    return str(caught.value)


def test_a_good_pair_is_read(tmp_path: Path, issued: Issued) -> None:
    assert read_pair(tmp_path / "cert.pem", tmp_path / "key.pem", NOW).names == {
        "call.clinic.example"
    }


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, issued: Issued) -> None:
    (tmp_path / "key.pem").write_bytes(make_authority(NOW).key_pem())
    assert "does not belong to the certificate" in refusal(tmp_path)


def test_an_expired_certificate_is_refused(tmp_path: Path, issued: Issued) -> None:
    assert "expired on 20" in refusal(tmp_path, NOW + 400 * DAY_S)


def test_a_certificate_of_the_future_is_refused(tmp_path: Path, issued: Issued) -> None:
    assert "is the clock right?" in refusal(tmp_path, NOW - 2 * DAY_S)


def test_a_missing_file_is_named(tmp_path: Path, issued: Issued) -> None:
    (tmp_path / "key.pem").unlink()
    assert refusal(tmp_path) == f"The key file {tmp_path / 'key.pem'} does not exist."


def test_an_unreadable_file_is_named(tmp_path: Path, issued: Issued) -> None:
    (tmp_path / "cert.pem").unlink()
    (tmp_path / "cert.pem").mkdir()  # root may read everything but a folder
    assert "cert.pem cannot be read: " in refusal(tmp_path)


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_a_file_without_pem_is_refused(tmp_path: Path, issued: Issued, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a certificate")
    assert "in PEM format" in refusal(tmp_path)


def test_a_key_with_a_password_is_refused(tmp_path: Path, issued: Issued) -> None:
    protected = issued.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    (tmp_path / "key.pem").write_bytes(protected)
    assert "protected by a password" in refusal(tmp_path)


def test_the_end_is_announced_three_weeks_before(tmp_path: Path, issued: Issued) -> None:
    pair = read_pair(tmp_path / "cert.pem", tmp_path / "key.pem", NOW)
    assert seconds_left(pair, NOW) == pytest.approx(396 * DAY_S)
    assert not expires_soon(pair, NOW + 374 * DAY_S)
    assert expires_soon(pair, NOW + 376 * DAY_S)
