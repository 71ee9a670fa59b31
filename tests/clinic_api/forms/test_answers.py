"""What is shown, what is wrong, what is kept of the answers to a form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_api.errors import Refused
from clinic_api.forms.answers import Answer, checked, shown
from clinic_api.forms.definition import Condition, Definition, Option, Question, label
from clinic_api.forms.definition import checked as checked_definition


def question(key: str, kind: Any, **values: Any) -> Question:
    return Question(key=key, kind=kind, labels={"en": key}, **values)


SMOKES = question("smokes", "yes_no", required=True)
COLOURS = (Option("red", {"en": "Red"}), Option("blue", {"en": "Blue"}))
FORM = Definition(
    titles={"en": "Before the visit"},
    questions=(
        SMOKES,
        question(
            "a_day",
            "number",
            required=True,
            unit="{#}/d",
            minimum=1.0,
            maximum=100.0,
            shown_if=Condition("smokes", "yes"),
        ),
        question("pain", "choices", options=COLOURS),
        question("since", "date", shown_if=Condition("pain", "red")),
        question("why", "text"),
    ),
)


def wrong(answers: dict[str, Any], *, complete: bool = True) -> set[str]:
    with pytest.raises(Refused) as refused:
        checked(FORM, answers, complete=complete)
    return set(refused.value.fields)


def test_a_question_is_shown_by_the_answer_it_depends_on() -> None:
    assert [each.key for each in shown(FORM, {})] == ["smokes", "pain", "why"]
    answers: dict[str, Answer] = {"smokes": True, "pain": ["blue", "red"]}
    assert [each.key for each in shown(FORM, answers)] == [
        "smokes",
        "a_day",
        "pain",
        "since",
        "why",
    ]


def test_what_is_required_may_be_missing_in_a_draft_only() -> None:
    assert checked(FORM, {}, complete=False) == {}
    assert wrong({}) == {"smokes"}
    assert wrong({"smokes": True}) == {"a_day"}
    assert checked(FORM, {"smokes": False}, complete=True) == {"smokes": False}


def test_the_answer_to_a_question_that_is_hidden_now_is_not_kept() -> None:
    assert checked(FORM, {"smokes": False, "a_day": 20}, complete=True) == {"smokes": False}


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("smokes", "yes"),
        ("a_day", 0),
        ("a_day", 101),
        ("a_day", True),
        ("a_day", float("nan")),
        ("a_day", "20"),
        ("pain", ["green"]),
        ("pain", ["red", "red"]),
        ("pain", "red"),
        ("why", "x" * 501),
        ("why", 7),
        ("nothing", "asked"),
    ],
)
def test_an_answer_that_does_not_fit_is_named(key: str, answer: object) -> None:
    assert key in wrong({"smokes": True, "a_day": 20, key: answer})


@pytest.mark.parametrize("day", ["2030-02-30", "20300131", "2030-1-31", "", "tomorrow"])
def test_a_day_is_a_day_of_the_calendar(day: str) -> None:
    answers: dict[str, Answer] = {"smokes": False, "pain": ["red"], "since": day}
    if day:
        assert wrong(answers) == {"since"}
    else:
        assert "since" not in checked(FORM, answers, complete=True)


ANSWERS = st.dictionaries(
    st.sampled_from(["smokes", "a_day", "pain", "since", "why", "other"]),
    st.one_of(st.booleans(), st.floats(), st.text(max_size=5), st.lists(st.text(max_size=4))),
)


@given(ANSWERS)
def test_what_was_checked_is_right_for_good(answers: dict[str, Answer]) -> None:
    try:
        kept = checked(FORM, answers, complete=False)
    except Refused as refused:
        assert refused.code == "invalid"
        assert refused.fields
    else:
        assert checked(FORM, kept, complete=False) == kept


@pytest.mark.parametrize(
    "questions",
    [
        (SMOKES, SMOKES),
        (question("why", "text", options=COLOURS),),
        (question("pain", "choice", options=COLOURS[:1]),),
        (question("pain", "choice", options=(COLOURS[0], COLOURS[0])),),
        (question("why", "text", minimum=1.0),),
        (question("many", "number", minimum=2.0, maximum=1.0),),
        (question("why", "text", shown_if=Condition("smokes", "yes")), SMOKES),
        (SMOKES, question("why", "text", shown_if=Condition("smokes", "perhaps"))),
        (Question(key="why", kind="text", labels={"en": "Why?", "es": "¿Por qué?"}),),
    ],
)
def test_questions_that_do_not_fit_together_are_refused(questions: tuple[Question, ...]) -> None:
    with pytest.raises(Refused) as refused:
        checked_definition(Definition(titles={"en": "Form"}, questions=questions))
    (place,) = refused.value.fields
    assert place == f"questions[{len(questions) - 1 if questions[0] is SMOKES else 0}]"


def test_a_label_is_read_in_the_nearest_language() -> None:
    labels = {"en": "Why?", "es": "¿Por qué?"}
    assert (label(labels, "es-MX"), label(labels, "ar")) == ("¿Por qué?", "Why?")
