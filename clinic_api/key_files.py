"""Key files: 32 random bytes in hexadecimal, one line, for the service's own user only.

Two processes may meet in an empty folder (`serve` and a command): a file appears whole or not at
all, and whoever comes second takes the first one's. Hexadecimal survives a printer and an editor.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_BYTES = 32  # AES-256, HMAC-SHA-256, Ed25519 seeds
PRIVATE = 0o600


class KeyringError(Exception):
    """The keys are missing, wrong, or not secret; the message is for whoever runs the server."""


def load_or_create(path: Path) -> bytes:
    """The key in `path`, made on first use. Raises KeyringError, OSError."""
    if not path.exists():
        create(path, secrets.token_bytes(KEY_BYTES))
    return load(path)


def load(path: Path) -> bytes:
    """The key in `path`. Raises KeyringError where others may read it or it is no key."""
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except FileNotFoundError:
        raise KeyringError(f"The key file {path} is missing.") from None
    if mode & 0o077:
        raise KeyringError(f"{path} may be read by others: chmod 600 {path}")
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyringError(f"{path} is no key file: one line of 64 hexadecimal digits is expected.")
    return key


def create(path: Path, key: bytes) -> None:
    """Put the key there, forced to disk, unless a file is there already. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
