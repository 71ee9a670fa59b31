"""The edge serves TLS with the front's certificate, also after it has changed."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from certs.local_ca import ensure_local_pair
from telemed_media.edge_certificate import EdgeCertificate


def served(certificate: EdgeCertificate) -> bytes | None:
    """The certificate that a client is shown, in DER."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(back, there)
    server = certificate.context().wrap_bio(there, back, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.getpeercert(binary_form=True)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    pair = ensure_local_pair(tmp_path, (), time.time())
    return pair.certificate, pair.key


def test_a_changed_certificate_is_shown_to_the_next_client(files: tuple[Path, Path]) -> None:
    certificate = EdgeCertificate(*map(str, files))
    first = served(certificate)
    certificate.check()
    assert served(certificate) == first
    ensure_local_pair(files[0].parent, ("clinic.test",), time.time())
    certificate.check()
    assert served(certificate) not in (None, first)


def test_half_copied_files_leave_the_old_certificate(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = EdgeCertificate(*map(str, files))
    first = served(certificate)
    files[0].write_text("-----BEGIN CERTIFICATE-----")
    certificate.check()
    files[1].unlink()
    certificate.check()
    assert served(certificate) == first
    assert "certificate_not_reloaded" in capsys.readouterr().out
