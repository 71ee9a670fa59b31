"""Signed checkpoints: number and hash of the audit's last row, outside the database.

`audit/checkpoints.jsonl` in the data folder gets a line a minute, when there are new rows, signed
with Ed25519 by `keys/audit.key` and forced to disk. Whoever rewrites or cuts the table needs that
key too. Copies of the file on another machine guard against somebody who has both.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clinic_api import key_files
from clinic_api.audit import store
from clinic_api.audit.verify import Mark
from clinic_api.db import Database

CHECKPOINT_S = 60.0  # how much of a cut tail may go unnoticed
FILE = "audit/checkpoints.jsonl"
KEY_FILE = "keys/audit.key"
LINE_LIMIT_BYTES = 1000
_TAG = b"telemed-checkpoint-1\n"


class ChainBroken(Exception):
    """The table ends before the last checkpoint: it must not be signed again."""


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line. `hash` and `signature` are hexadecimal."""

    seq: int
    hash: str
    at: datetime
    signature: str = ""

    def signed_text(self) -> bytes:
        return _TAG + f"{self.seq}\n{self.hash}\n{self.at.isoformat()}".encode()


async def write_checkpoint(database: Database, root: Path) -> bool:
    """Sign the last row, unless it is signed; for the jobs process. `root` is the data folder.

    Returns whether a line was written. Raises ChainBroken, KeyringError, OSError, Refused.
    """
    head = await database.read(lambda tx: store.head(tx.sql))
    if head is None:
        return False
    return await asyncio.to_thread(_sign_head, root, head[0], head[1], database.now())


def marks(root: Path) -> Iterator[Mark]:
    """The file's lines, each with whether the key in `root` signed it; none without the file.

    Lines that come while it runs are left out: their rows may have come after the rows were read.
    So is a last line without its end, torn by a power cut. Raises KeyringError.
    """
    path = root / FILE
    if not path.exists():
        return
    key = signing_key(root).public_key()
    with path.open("rb") as file:
        rest = os.fstat(file.fileno()).st_size
        number = 0
        while rest > 0 and (line := file.readline(LINE_LIMIT_BYTES)):
            rest -= len(line)
            number += 1
            if line.endswith(b"\n") or len(line) == LINE_LIMIT_BYTES:
                yield _mark(number, line, key)


def signing_key(root: Path) -> Ed25519PrivateKey:
    """The key that signs checkpoints, made before the first. Raises KeyringError, OSError.

    A lost key is not made anew: the lines that it signed would seem forged.
    """
    get = key_files.load if (root / FILE).exists() else key_files.load_or_create
    return Ed25519PrivateKey.from_private_bytes(get(root / KEY_FILE))


def _sign_head(root: Path, seq: int, row_hash: bytes, now: datetime) -> bool:
    path = root / FILE
    last = _last_seq(path)
    if seq < last:
        raise ChainBroken(f"the audit ends at row {seq}, a checkpoint names row {last}")
    if seq == last:
        return False
    checkpoint = Checkpoint(seq, row_hash.hex(), now)
    signature = signing_key(root).sign(checkpoint.signed_text())
    _add_line(path, msgspec.structs.replace(checkpoint, signature=signature.hex()))
    return True


def _add_line(path: Path, checkpoint: Checkpoint) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, key_files.PRIVATE)
    try:
        size = _whole_lines(descriptor)
        os.ftruncate(descriptor, size)
        os.pwrite(descriptor, msgspec.json.encode(checkpoint) + b"\n", size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        key_files.sync_folder(path.parent)


def _whole_lines(descriptor: int) -> int:
    """How many bytes the file has up to the end of its last whole line."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - LINE_LIMIT_BYTES)
    return start + os.pread(descriptor, LINE_LIMIT_BYTES, start).rfind(b"\n") + 1


def _last_seq(path: Path) -> int:
    """What the last whole line names; 0 without one, or where it is no checkpoint."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2 * LINE_LIMIT_BYTES))
        lines = file.read().split(b"\n")[:-1]
    try:
        return msgspec.json.decode(lines[-1], type=Checkpoint).seq if lines else 0
    except msgspec.DecodeError:
        return 0


def _mark(number: int, line: bytes, key: Ed25519PublicKey) -> Mark:
    try:
        checkpoint = msgspec.json.decode(line, type=Checkpoint)
        key.verify(bytes.fromhex(checkpoint.signature), checkpoint.signed_text())
        row_hash = bytes.fromhex(checkpoint.hash)
    except (msgspec.DecodeError, InvalidSignature, ValueError):
        return Mark(line=number, seq=0, hash=b"", genuine=False)
    return Mark(line=number, seq=checkpoint.seq, hash=row_hash, genuine=True)
