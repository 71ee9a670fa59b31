"""ICE-lite: which path is sent to, in the patterns that browsers were seen to follow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.core.ice import (
    CONSENT_S,
    LOST_S,
    MAX_TUPLES,
    UNSTABLE_IDLE_S,
    UNSTABLE_MEDIA_S,
    Credentials,
    Health,
    IceAgent,
)

OLD, NEW, NEWER = (Credentials(f"{name}-ufrag", f"{name}-key") for name in ("old", "new", "newer"))


def make_agent() -> IceAgent[str]:
    return IceAgent(OLD, 0.0)


def test_nothing_is_sent_before_the_first_check() -> None:
    assert make_agent().selected is None


def test_chromium_is_answered_before_it_nominates_and_may_nominate_again() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, False, 0.00)
    assert agent.selected == "wifi", "DTLS begins on the first check"
    agent.receive_check("wifi", OLD.ufrag, True, 0.04)
    agent.receive_check("cable", OLD.ufrag, False, 0.05)
    assert agent.selected == "wifi"
    agent.receive_check("cable", OLD.ufrag, True, 3.9)
    assert agent.selected == "cable"


def test_of_firefoxs_nominated_pairs_the_latest_counts() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    agent.receive_check("cable", OLD.ufrag, True, 0.1)
    agent.receive_check("wifi", OLD.ufrag, False, 5.0)
    assert agent.selected == "cable", "its later checks nominate nothing"


def test_a_check_from_elsewhere_draws_away_no_silent_receivers_media() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    agent.finish_handshake(0.1)
    agent.receive_check("forged", OLD.ufrag, True, 2.0)
    assert agent.selected == "wifi"
    agent.receive_media("cable", 3.0)
    assert agent.selected == "wifi", "media from a path without a check proves nothing"
    agent.receive_check("cable", OLD.ufrag, False, 3.0)
    agent.receive_media("cable", 3.1)
    assert agent.selected == "cable", "the receiver itself has moved"


def test_a_handshake_without_a_check_selects_nothing() -> None:
    agent = make_agent()
    agent.finish_handshake(0.0)
    assert agent.selected is None


def test_media_outranks_every_nomination() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    agent.receive_media("wifi", 0.5)
    agent.receive_check("cable", OLD.ufrag, True, 1.0)
    assert agent.selected == "wifi"
    agent.receive_media("cable", 1.1)
    assert agent.selected == "cable"
    agent.receive_media("wifi", 1.2)
    assert agent.selected == "wifi", "and back"


def test_media_of_the_path_in_use_need_not_be_told_again() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    assert agent.carrying is None
    agent.receive_media("wifi", 0.5)
    assert agent.carrying == "wifi"


def test_media_from_a_path_without_a_check_selects_nothing() -> None:
    agent = make_agent()
    agent.receive_media("stranger", 0.5)
    assert agent.selected is None
    assert agent.carrying is None
    assert agent.paths() == []


def test_a_path_without_checks_for_long_gives_way_to_one_that_has_them() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    agent.receive_media("wifi", 1.0)
    agent.receive_check("cable", OLD.ufrag, False, CONSENT_S - 1)
    assert agent.selected == "wifi"
    agent.receive_check("cable", OLD.ufrag, False, CONSENT_S + 1)
    assert agent.selected == "cable"


def test_both_keys_are_good_until_the_new_ones_path_carries_media() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    agent.receive_media("wifi", 0.1)
    agent.restart(NEW)
    assert agent.password_for(OLD.ufrag) == OLD.password
    assert agent.password_for(NEW.ufrag) == NEW.password
    agent.receive_media("wifi", 1.0)
    assert agent.password_for(OLD.ufrag) == OLD.password, "the old path says nothing of the new"
    agent.receive_check("cable", NEW.ufrag, True, 1.1)
    assert agent.selected == "wifi"
    agent.receive_media("cable", 1.2)
    assert agent.selected == "cable"
    assert agent.password_for(OLD.ufrag) is None
    assert agent.password_for("other") is None


def test_a_restart_on_the_same_path_ends_the_old_key_as_well() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    agent.receive_media("wifi", 0.1)
    agent.restart(NEW)
    assert agent.carrying is None, "so that the next packet is told"
    agent.receive_check("wifi", NEW.ufrag, True, 1.0)
    agent.receive_media("wifi", 1.1)
    assert agent.password_for(OLD.ufrag) is None
    assert agent.carrying == "wifi"


def test_a_second_try_to_restart_keeps_the_key_that_works() -> None:
    """Firefox's first try right after a lost network fails (measured)."""
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    agent.receive_media("wifi", 0.1)
    agent.restart(NEW)
    agent.restart(NEWER)
    assert agent.password_for(OLD.ufrag) == OLD.password
    assert agent.password_for(NEW.ufrag) is None
    agent.receive_check("cable", NEWER.ufrag, True, 3.0)
    agent.receive_media("cable", 3.1)
    assert agent.selected == "cable"
    assert agent.password_for(OLD.ufrag) is None


def test_silence_makes_a_peer_unstable_and_then_lost() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    assert agent.health(UNSTABLE_MEDIA_S + 0.1, media_expected=True) is Health.UNSTABLE
    assert agent.health(UNSTABLE_MEDIA_S + 0.1, media_expected=False) is Health.GOOD
    assert agent.health(UNSTABLE_IDLE_S + 0.1, media_expected=False) is Health.UNSTABLE
    assert agent.health(LOST_S + 0.1, media_expected=False) is Health.LOST
    agent.receive_media("wifi", LOST_S)
    assert agent.health(LOST_S + 0.1, media_expected=True) is Health.GOOD


def test_consent_ends_without_checks_even_while_media_flows() -> None:
    agent = make_agent()
    agent.receive_check("wifi", OLD.ufrag, True, 0.0)
    for second in range(int(CONSENT_S) + 1):
        agent.receive_media("wifi", float(second))
    assert agent.has_consent(CONSENT_S)
    assert agent.health(CONSENT_S, media_expected=True) is Health.GOOD
    assert agent.health(CONSENT_S + 0.1, media_expected=True) is Health.LOST


def test_more_paths_than_allowed_push_out_the_stalest_but_never_the_one_in_use() -> None:
    agent = make_agent()
    agent.receive_check("used", OLD.ufrag, True, 0.0)
    agent.receive_media("used", 0.1)
    dropped: list[str] = []
    for number in range(100):
        dropped += agent.receive_check(f"p{number}", OLD.ufrag, False, 1.0 + number / 100)
    assert len(agent.paths()) == MAX_TUPLES
    assert agent.selected == "used"
    assert "used" in agent.paths()
    assert dropped == [f"p{number}" for number in range(100 - MAX_TUPLES + 1)]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["check", "nominate", "media", "restart"]),
        st.sampled_from(["a", "b", "c", *(f"p{n}" for n in range(20))]),
        st.booleans(),
        st.floats(0, 3),
    ),
    max_size=60,
)


@given(EVENTS)
def test_whatever_comes_the_selected_path_is_a_checked_one(
    events: list[tuple[str, str, bool, float]],
) -> None:
    agent = make_agent()
    now, count = 0.0, 0
    for kind, path, current, wait_s in events:
        now += wait_s
        if kind == "restart":
            count += 1
            agent.restart(Credentials(f"u{count}", f"k{count}"))
        elif kind == "media":
            agent.receive_media(path, now)
        else:
            old = agent.previous or agent.local
            ufrag = agent.local.ufrag if current else old.ufrag
            agent.receive_check(path, ufrag, kind == "nominate", now)
        assert (agent.selected is None) == (agent.paths() == [])
        assert agent.selected is None or agent.selected in agent.paths()
        assert agent.carrying is None or agent.carrying in agent.paths()
        assert len(agent.paths()) <= MAX_TUPLES
        assert agent.password_for(agent.local.ufrag) == agent.local.password


def test_a_path_that_has_ended_gives_way_to_the_next_best_and_the_last_to_none() -> None:
    agent = IceAgent[str](Credentials("ours", "password"), 0.0)
    agent.receive_check("tcp", "ours", True, 1.0)
    agent.receive_check("udp", "ours", False, 2.0)
    agent.receive_media("tcp", 3.0)
    agent.drop("tcp")
    assert (agent.selected, agent.carrying) == ("udp", None)
    agent.drop("tcp")
    agent.drop("udp")
    assert agent.selected is None
    agent.receive_check("again", "ours", False, 4.0)
    assert agent.selected == "again"
