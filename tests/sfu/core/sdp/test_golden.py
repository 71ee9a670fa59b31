"""Every recorded offer is answered with exactly the text that stands in tests/data/answers.

After a wanted change `golden.py` writes them anew; the difference is then read line by line.
"""

from __future__ import annotations

import pytest

from tests.sfu.core.sdp.offers import ANSWERED, DATA, NAMES, REFUSED, answered, refusal, text_of


@pytest.mark.parametrize("name", ANSWERED)
def test_the_answer_is_the_golden_one(name: str) -> None:
    golden = (DATA / "answers" / f"{name}.sdp").read_bytes()
    assert answered(name).sdp.encode() == golden


def test_each_golden_answer_belongs_to_an_offer() -> None:
    assert sorted(path.stem for path in (DATA / "answers").glob("*.sdp")) == ANSWERED
    assert len(NAMES) == 104


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_offer_without_audio_or_video_is_refused_with_a_code(name: str) -> None:
    assert refusal(text_of(name)) == REFUSED[name]
