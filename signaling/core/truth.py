"""Who cannot hear or see whom, and why: what each page senses, joined with what the server knows.

A page says every 1.2 s what came in since it last spoke, and whether its own microphone, camera and
sound work. A fault of one's own counts at once, because the page waits until it is sure. Media that
do not arrive count after two silent reports in a row, 2.4 to 3.6 s, so that a new slot, a new
connection or a lost packet is no fault; and only where nothing else explains it: a muted source,
somebody who is away, a suspended picture. What a page said is forgotten after `STALE_S`.
"""

from __future__ import annotations

from collections.abc import Iterator

from signaling.core import messages as m
from signaling.core import troubles
from signaling.core.gauge import Sensed
from signaling.core.seat import Seat
from signaling.core.state import RoomState
from signaling.core.told import Told

STALE_S = 6.0  # five reports; a page that is silent for longer has lost its connection
SILENT_REPORTS = 2
MOSTLY_CONCEALED = 0.95  # share of samples: what is left over is no word


def receive(state: RoomState, seat: Seat, message: m.Experience, now: float) -> None:
    """Take a page's report in, and tell whoever does not know what has been found."""
    if not (seat.rights.publish or seat.rights.subscribe):
        state.refuse(seat, "not_allowed", message)
        return
    before = seat.told if seat.told is not None and now - seat.told.at < STALE_S else None
    seat.told = Told(
        report=message,
        at=now,
        unheard=_counted(before.unheard if before else {}, _unheard(state, seat, message, now)),
        unseen=_counted(before.unseen if before else {}, _unseen(state, seat, message, now)),
    )
    found = tuple(_findings(state, now))
    _note(state, seat, found, now)
    for one in state.admitted():
        if one.findings != found and one.connection is not None:
            one.findings = found
            state.send(one, m.Findings(found))


def _note(state: RoomState, seat: Seat, found: tuple[m.Finding, ...], now: float) -> None:
    """Keep for the clinic what began, what ended, and how the call is for this person."""
    for finding in state.troubles.keys() - set(found):
        trouble = state.troubles.pop(finding)
        cause = troubles.cause_of(finding)
        if cause in found:  # one fault: it was only not sure yet why
            state.troubles[cause] = troubles.joined(trouble, state.troubles.get(cause, trouble))
        else:
            state.note_quality(trouble.subject, troubles.ended(finding, trouble, now))
    here = [one for one in state.admitted() if _is_on_air(one)]
    for finding in found:
        about, before = state.seats[finding.participant], state.troubles.get(finding)
        state.troubles[finding] = troubles.grown(before, finding, about, here, now)
    if any(one is not seat for one in here):
        point = seat.gauge.report(_sensed(state, seat, found, now), now)
    else:
        point = seat.gauge.take()  # nobody is there to be heard or seen
    state.note_quality(seat.record.subject, point)


def _sensed(state: RoomState, seat: Seat, found: tuple[m.Finding, ...], now: float) -> Sensed:
    assert seat.told is not None
    shown = list(_shown(state, seat, seat.told.report))
    heard = [one.concealed for one, owner, _ in shown if _sends(owner, "microphone", now)]
    seen = [one for one, owner, live in shown if live and _owes_picture(seat, owner, now)]
    pictures = [one for one in seen if one.frames is not None]
    missed = {one.kind for one in found if _is_missed_by(one, seat)}
    return Sensed(
        unheard=not missed.isdisjoint(("microphone_silent", "speaker_blocked", "not_heard_by")),
        unseen=not missed.isdisjoint(("camera_black", "not_seen_by")),
        concealed=max(heard, default=None),
        frames=min((one.frames or 0 for one in pictures), default=None),
        freeze_ms=max((one.freeze_ms or 0 for one in pictures), default=0),
        height=max((one.height or 0 for one in pictures), default=0),
    )


def _is_missed_by(finding: m.Finding, seat: Seat) -> bool:
    """Whether this person misses something by it, as listener or viewer."""
    if finding.kind == "speaker_blocked":
        return finding.participant == seat.id
    return finding.by == seat.id or (finding.by is None and finding.participant != seat.id)


def _counted(before: dict[str, int], missed: set[str]) -> dict[str, int]:
    return {other: before.get(other, 0) + 1 for other in missed}


def _unheard(state: RoomState, seat: Seat, message: m.Experience, now: float) -> set[str]:
    """Whose sound should have come in this report and did not."""
    return {
        owner.id
        for received, owner, _live in _shown(state, seat, message)
        if _sends(owner, "microphone", now) and _is_silent(received)
    }


def _unseen(state: RoomState, seat: Seat, message: m.Experience, now: float) -> set[str]:
    """Likewise the picture."""
    return {
        owner.id
        for received, owner, live in _shown(state, seat, message)
        if live and received.frames == 0 and _owes_picture(seat, owner, now)
    }


def _shown(
    state: RoomState, seat: Seat, message: m.Experience
) -> Iterator[tuple[m.Received, Seat, bool]]:
    """What the page received, from whom it should be, and whether the slot shows them yet."""
    for received in message.slots:
        slot = seat.slots.get(received.slot)
        if slot is None or slot.screen:
            continue
        owner = state.seats.get(slot.participant or "")
        if owner is not None and _is_on_air(owner):
            yield received, owner, slot.live


def _is_on_air(seat: Seat) -> bool:
    """Whether media of that person can be expected now."""
    return seat.is_here and seat.media_up and seat.activity == "active"


def _sends(owner: Seat, source: m.Source, now: float) -> bool:
    """Whether the person sends it, and their page says that there is something in it."""
    if not owner.is_sending(source):
        return False
    if owner.is_device:
        return True
    if owner.told is None or now - owner.told.at >= STALE_S:
        return False
    state = owner.told.report.microphone if source == "microphone" else owner.told.report.camera
    return state == "ok"


def _is_silent(received: m.Received) -> bool:
    return received.sound == 0 or received.concealed >= MOSTLY_CONCEALED


def _owes_picture(seat: Seat, owner: Seat, now: float) -> bool:
    """A picture that is held back for want of bandwidth, or that nobody wants, is no fault."""
    if not _sends(owner, "camera", now):
        return False
    full = seat.quality is not None and seat.quality.video == "full"
    strong = owner.quality is not None and owner.quality.uplink in ("good", "fair")
    return full and strong and owner.layers.get("camera") != ()


def _findings(state: RoomState, now: float) -> Iterator[m.Finding]:
    for seat in state.admitted():
        if seat.told is None or not _is_on_air(seat) or now - seat.told.at >= STALE_S:
            continue
        report = seat.told.report
        if report.microphone == "silent" and seat.is_sending("microphone"):
            yield m.Finding("microphone_silent", seat.id)
        if report.camera == "black" and seat.is_sending("camera"):
            yield m.Finding("camera_black", seat.id)
        if report.sound_blocked:
            yield m.Finding("speaker_blocked", seat.id)
        for owner in _often(seat.told.unheard):
            yield m.Finding("not_heard_by", owner, by=seat.id)
        for owner in _often(seat.told.unseen):
            yield m.Finding("not_seen_by", owner, by=seat.id)


def _often(missed: dict[str, int]) -> list[str]:
    return [owner for owner, times in missed.items() if times >= SILENT_REPORTS]
