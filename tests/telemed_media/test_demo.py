"""The demo's room and its two links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signaling.shell.ids import RandomIds
from signaling.shell.keys import load_or_create_key
from signaling.shell.links import Links
from signaling.shell.store import Store
from signaling.shell.tokens import TokenGate
from telemed_media.data_folder import DataFolder, prepare
from telemed_media.demo import LIFETIME_S, ensure_demo_room

START = 1_790_000_000.0


class Instance:
    """Call control's files, with a clock that the test moves."""

    def __init__(self, folder: DataFolder, store: Store) -> None:
        key = load_or_create_key(folder.keys)
        self.now = START
        self.keys = folder.keys
        self.store = store
        self.links = Links(store, key, lambda: self.now, RandomIds())
        self.gate = TokenGate(store, key, lambda: self.now)


@pytest.fixture
async def instance(tmp_path: Path) -> AsyncIterator[Instance]:
    folder = prepare(tmp_path)
    async with await Store.open(folder.database) as store:
        yield Instance(folder, store)


async def test_the_doctor_may_everything_and_the_patient_waits(instance: Instance) -> None:
    demo = await ensure_demo_room(instance.keys, instance.links)
    entries = {
        label: await instance.gate.enter((await instance.links.exchange(secret))[0])
        for label, secret in demo.secrets.items()
    }
    bob, alice = entries["doctor"], entries["patient"]
    assert (bob.name, bob.role, bob.waits) == ("Dr. Bob Example", "provider", False)
    assert (alice.name, alice.role, alice.waits) == ("Alice Example", "patient", True)
    assert bob.rights.moderate
    assert not alice.rights.moderate
    assert {bob.room, alice.room} == {demo.room}
    for rights in (bob.rights, alice.rights):
        assert rights.publish
        assert rights.subscribe
        assert rights.chat


async def test_links_stay_the_same_while_they_are_valid(instance: Instance) -> None:
    demo = await ensure_demo_room(instance.keys, instance.links)
    instance.now += LIFETIME_S - 1
    assert await ensure_demo_room(instance.keys, instance.links) == demo


async def test_expired_links_are_replaced(instance: Instance) -> None:
    demo = await ensure_demo_room(instance.keys, instance.links)
    instance.now += LIFETIME_S
    assert (await ensure_demo_room(instance.keys, instance.links)).room != demo.room


async def test_a_withdrawn_link_is_replaced(instance: Instance) -> None:
    demo = await ensure_demo_room(instance.keys, instance.links)
    await instance.links.revoke(demo.secrets["patient"])
    assert (await ensure_demo_room(instance.keys, instance.links)).room != demo.room


@pytest.mark.parametrize("content", [b"", b"{}", b"not json"])
async def test_a_damaged_file_is_replaced(instance: Instance, content: bytes) -> None:
    (instance.keys / "demo_links.json").write_bytes(content)
    assert (await ensure_demo_room(instance.keys, instance.links)).secrets


async def test_the_secrets_are_for_their_owner_only_and_stand_in_the_fragment(
    instance: Instance,
) -> None:
    demo = await ensure_demo_room(instance.keys, instance.links)
    assert (instance.keys / "demo_links.json").stat().st_mode & 0o777 == 0o600
    assert demo.links("https://a.example")["doctor"] == (
        f"https://a.example/join#{demo.secrets['doctor']}"
    )
