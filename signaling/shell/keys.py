"""The key that signs join tokens: one Ed25519 key per data folder, readable by its owner only.

Two processes may meet in an empty folder (`serve` and `token`): the file appears whole or not at
all, and whoever comes second takes the first one's.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.jwk import OKPKey

FILE_NAME = "join.ed25519"


class KeyUnusable(Exception):
    """The key file is no Ed25519 private key, or others may read it."""


def load_or_create_key(directory: Path) -> OKPKey:
    """The folder's signing key, made on first use with mode 0600. Raises KeyUnusable, OSError."""
    path = directory / FILE_NAME
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    return _load(path)


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _load(path: Path) -> OKPKey:
    if path.stat().st_mode & 0o077:
        raise KeyUnusable(f"{path} may be read by others: chmod 600 {path}")
    pem = path.read_bytes()
    try:
        key = load_pem_private_key(pem, password=None)
    except ValueError as problem:
        raise KeyUnusable(f"{path} is no private key") from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(f"{path} is no Ed25519 key")
    return OKPKey.import_key(pem)
