"""The usual beginning of a test: the doctor is there, lets the patient in, both see and hear."""

from __future__ import annotations

from tests.e2e.participant import STEP_WITHIN_S, Participant
from tests.e2e.poll import until
from tests.e2e.server import Server


async def meet(server: Server, bob: Participant, alice: Participant) -> None:
    """Bob enters by the demo's doctor link, Alice by the patient's; he lets her in."""
    await bob.open(server.ready.links["doctor"])
    await bob.reaches("call")
    await alice.open(server.ready.links["patient"])
    await alice.reaches("waiting")
    assert not (await alice.flow()).inbound, "media before admission"
    await bob.press("admit")
    await alice.reaches("call")


async def see_each_other(bob: Participant, alice: Participant, bobs: str, alices: str) -> None:
    """Each sees the other's colour; frames, audio packets and audio energy grow."""
    await bob.sees(alices)
    await alice.sees(bobs)
    for person in (bob, alice):
        await more_arrives(person)


async def more_arrives(person: Participant, within_s: float = STEP_WITHIN_S) -> None:
    """Wait for another second of picture and sound."""
    before = await person.flow()

    async def more() -> bool:
        now = await person.flow()
        return (
            now.frames >= before.frames + 15
            and now.audio_packets >= before.audio_packets + 50
            and now.audio_energy > before.audio_energy
        )

    await until(more, within_s, f"{person.name}: more picture and sound")


async def hears_the_other(person: Participant, within_s: float = STEP_WITHIN_S) -> None:
    """Wait for another second of sound."""
    before = await person.flow()

    async def more() -> bool:
        now = await person.flow()
        louder = now.audio_energy > before.audio_energy
        return louder and now.audio_packets >= before.audio_packets + 50

    await until(more, within_s, f"{person.name}: more sound")
