"""The TLS context as a client meets it, before and after its files change."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509

from certs.issuing import make_authority
from certs.local_ca import ensure_local_pair
from certs.pair import CertificateError, read_certificates
from certs.serving import CertificateReloader, server_context


def served_serial(context: ssl.SSLContext, folder: Path, **versions: ssl.TLSVersion) -> int:
    """The serial number of the certificate that a client which trusts the authority is shown."""
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=accept, args=(context, ours))
    server.start()
    client = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    for name, version in versions.items():
        setattr(client, name, version)
    try:
        with client.wrap_socket(theirs, server_hostname="localhost") as tls:
            shown = tls.getpeercert(binary_form=True)
            assert shown
            return x509.load_der_x509_certificate(shown).serial_number
    finally:
        theirs.close()
        server.join()


def accept(context: ssl.SSLContext, connection: socket.socket) -> None:
    try:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)
    except OSError:
        connection.close()


def serial(folder: Path) -> int:
    return read_certificates(folder / "cert.pem")[0].serial_number


@pytest.fixture
def now() -> float:
    return time.time()


def test_a_client_that_trusts_the_authority_connects(tmp_path: Path, now: float) -> None:
    context = server_context(ensure_local_pair(tmp_path, (), now))
    assert served_serial(context, tmp_path) == serial(tmp_path)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_refused(tmp_path: Path, now: float) -> None:
    context = server_context(ensure_local_pair(tmp_path, (), now))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served_serial(
            context,
            tmp_path,
            minimum_version=ssl.TLSVersion.TLSv1_1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )


def test_changed_files_serve_without_a_restart(tmp_path: Path, now: float) -> None:
    pair = ensure_local_pair(tmp_path, (), now)
    context = server_context(pair)
    reloader = CertificateReloader(context, pair)
    assert not reloader.reload_if_changed(now)
    old = serial(tmp_path)
    ensure_local_pair(tmp_path, ("10.0.0.9",), now)
    assert reloader.reload_if_changed(now)
    assert "10.0.0.9" in reloader.pair.names
    assert served_serial(context, tmp_path) == serial(tmp_path) != old


def test_a_half_copied_pair_leaves_the_old_one_serving(tmp_path: Path, now: float) -> None:
    pair = ensure_local_pair(tmp_path, (), now)
    context = server_context(pair)
    reloader = CertificateReloader(context, pair)
    old = serial(tmp_path)
    (tmp_path / "key.pem").write_bytes(make_authority(now).key_pem())
    with pytest.raises(CertificateError, match="does not belong"):
        reloader.reload_if_changed(now)
    assert not reloader.reload_if_changed(now)
    assert served_serial(context, tmp_path) == old
