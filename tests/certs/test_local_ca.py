"""The local authority and the server certificate of a first run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certs.issuing import make_authority
from certs.local_ca import ensure_local_pair
from certs.pair import CertificateError, read_certificates

NOW = 1_790_000_000.0
DAY_S = 24 * 3600.0
NAMES = ("192.168.1.7", "fd12:3456::7", "Ward3.local")


def leaf_and_authority(folder: Path) -> list[x509.Certificate]:
    return read_certificates(folder / "cert.pem")


def test_the_certificate_names_localhost_and_everything_asked_for(tmp_path: Path) -> None:
    pair = ensure_local_pair(tmp_path, NAMES, NOW)
    assert pair.names == {
        "localhost", "127.0.0.1", "::1", "192.168.1.7", "fd12:3456::7", "ward3.local",
    }  # fmt: skip


def test_the_chain_is_p256_and_lives_as_long_as_browsers_allow(tmp_path: Path) -> None:
    ensure_local_pair(tmp_path, NAMES, NOW)
    leaf, authority = leaf_and_authority(tmp_path)
    leaf.verify_directly_issued_by(authority)
    for certificate, days in ((leaf, 397), (authority, 3651)):
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
        assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == days


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    ensure_local_pair(tmp_path, NAMES, NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"ca.key": 0o600, "key.pem": 0o600, "ca.pem": 0o644, "cert.pem": 0o644}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    ensure_local_pair(tmp_path, NAMES, NOW)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ensure_local_pair(tmp_path, NAMES, NOW + DAY_S)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("names", "later_s"),
    [
        (("192.168.1.8",), 0.0),  # another network
        (NAMES, (397 - 1 - 29) * DAY_S),  # 29 days before the end
    ],
)
def test_a_new_address_or_a_near_end_issues_a_new_leaf_under_the_same_authority(
    tmp_path: Path, names: tuple[str, ...], later_s: float
) -> None:
    ensure_local_pair(tmp_path, NAMES, NOW)
    old_leaf, old_authority = leaf_and_authority(tmp_path)
    ensure_local_pair(tmp_path, names, NOW + later_s)
    new_leaf, new_authority = leaf_and_authority(tmp_path)
    assert new_leaf.serial_number != old_leaf.serial_number
    assert new_authority == old_authority


def test_a_leaf_that_lost_its_key_in_a_crash_is_issued_anew(tmp_path: Path) -> None:
    ensure_local_pair(tmp_path, NAMES, NOW)
    (tmp_path / "key.pem").write_bytes(make_authority(NOW).key_pem())
    assert ensure_local_pair(tmp_path, NAMES, NOW).names


def test_an_authority_near_its_end_is_replaced(tmp_path: Path) -> None:
    ensure_local_pair(tmp_path, NAMES, NOW)
    old = leaf_and_authority(tmp_path)[1]
    ensure_local_pair(tmp_path, NAMES, NOW + 3640 * DAY_S)
    assert leaf_and_authority(tmp_path)[1] != old


def test_a_foreign_authority_key_is_refused_in_words(tmp_path: Path) -> None:
    ensure_local_pair(tmp_path, NAMES, NOW)
    (tmp_path / "ca.key").write_bytes(make_authority(NOW).key_pem())
    with pytest.raises(CertificateError, match="not the key of the local authority"):
        ensure_local_pair(tmp_path, NAMES, NOW)
