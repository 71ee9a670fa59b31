"""How one value is sealed: AES-256-GCM, bound to the place it belongs to.

    version (1 byte) | key id (4 bytes, big endian) | nonce (12 bytes) | ciphertext | tag (16 bytes)

The associated data names place, row and key, so that a value copied to another row or column does
not open. Nonces are random: one key seals at most 2^32 values (NIST SP 800-38D, 8.3); the keyring's
rotation gives the next key long before. Lengths are not hidden.
"""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2
_HEAD_BYTES = 5


class Unreadable(ValueError):
    """The bytes are no sealed value of ours."""


def seal(cipher: AESGCM, key_id: int, place: str, row_id: str, text: bytes) -> bytes:
    """Encrypt `text` for this place and row only."""
    head = bytes([VERSION]) + key_id.to_bytes(4, "big")
    nonce = secrets.token_bytes(NONCE_BYTES)
    return head + nonce + cipher.encrypt(nonce, text, _associated(head, place, row_id))


def unseal(cipher: AESGCM, place: str, row_id: str, sealed: bytes) -> bytes:
    """Raises cryptography's InvalidTag where the value, its place or its row is another."""
    head, rest = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
    nonce, ciphertext = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
    return cipher.decrypt(nonce, ciphertext, _associated(head, place, row_id))


def key_id_of(sealed: bytes) -> int:
    """By which key it was sealed. Raises Unreadable."""
    if len(sealed) < _HEAD_BYTES + NONCE_BYTES or sealed[0] != VERSION:
        raise Unreadable("not a sealed value of this version")
    return int.from_bytes(sealed[1:_HEAD_BYTES], "big")


def joined(*parts: str) -> bytes:
    """The parts with their lengths, so that no two lists give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _associated(head: bytes, place: str, row_id: str) -> bytes:
    return head + joined(place, row_id)
