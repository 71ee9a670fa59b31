"""Answers to a form: which questions are shown by them, and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

from clinic_api.errors import Refused
from clinic_api.forms.definition import NO, YES, Definition, Question

Answer = str | float | bool | list[str]
MAX_TEXT, MAX_LONG_TEXT = 500, 10_000  # characters
MAX_NUMBER = 1e12


def shown(definition: Definition, answers: Mapping[str, Answer]) -> tuple[Question, ...]:
    """The questions that these answers leave to be asked, in order."""
    found: list[Question] = []
    asked: set[str] = set()
    for question in definition.questions:
        if _is_met(question, answers, asked):
            found.append(question)
            asked.add(question.key)
    return tuple(found)


def checked(
    definition: Definition, answers: Mapping[str, Answer], *, complete: bool
) -> dict[str, Answer]:
    """Those that belong to shown questions, empty ones left out.

    A draft may lack what is required; a `complete` form may not. Raises Refused(invalid) with a
    sentence for every wrong answer.
    """
    keys = {question.key for question in definition.questions}
    wrong = dict.fromkeys((key for key in answers if key not in keys), "There is no such question.")
    kept: dict[str, Answer] = {}
    for question in shown(definition, answers):
        answer = answers.get(question.key)
        if answer is None or answer in ("", []):
            if complete and question.required:
                wrong[question.key] = "Please answer this."
            continue
        sentence = _wrong(question, answer)
        if sentence:
            wrong[question.key] = sentence
        kept[question.key] = answer
    if wrong:
        raise Refused("invalid", fields=wrong)
    return kept


def _is_met(question: Question, answers: Mapping[str, Answer], asked: set[str]) -> bool:
    condition = question.shown_if
    if condition is None:
        return True
    answer = answers.get(condition.question) if condition.question in asked else None
    if isinstance(answer, bool):
        return condition.option == (YES if answer else NO)
    return condition.option in answer if isinstance(answer, list) else condition.option == answer


def _wrong(question: Question, answer: Answer) -> str:
    """A sentence, "" where the answer fits the question."""
    options = {option.key for option in question.options}
    match question.kind:
        case "text" | "long_text":
            most = MAX_TEXT if question.kind == "text" else MAX_LONG_TEXT
            fits = isinstance(answer, str) and len(answer) <= most
            return "" if fits else f"Please write up to {most} characters."
        case "number":
            return _wrong_number(question, answer)
        case "choice":
            fits = isinstance(answer, str) and answer in options
            return "" if fits else "Please choose one of the options."
        case "choices":
            fits = isinstance(answer, list) and set(answer) <= options
            fits = fits and isinstance(answer, list) and len(set(answer)) == len(answer)
            return "" if fits else "Please choose from the options."
        case "date":
            return "" if _is_date(answer) else "Please give a day, as in 2030-01-31."
        case "yes_no":
            return "" if isinstance(answer, bool) else "Please say yes or no."


def _wrong_number(question: Question, answer: Answer) -> str:
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return "Please write a number."
    if not math.isfinite(answer) or abs(answer) > MAX_NUMBER:
        return "This number is too large."
    if question.minimum is not None and answer < question.minimum:
        return f"Please write {question.minimum:g} or more."
    if question.maximum is not None and answer > question.maximum:
        return f"Please write {question.maximum:g} or less."
    return ""


def _is_date(answer: Answer) -> bool:
    if not isinstance(answer, str) or len(answer) != len("2030-01-31"):
        return False
    try:
        date.fromisoformat(answer)
    except ValueError:
        return False
    return True
