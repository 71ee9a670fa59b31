"""What was asked before a visit and what was answered, as label and value. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clinic_api.forms.answers import Answer, shown
from clinic_api.forms.definition import Question
from clinic_api.forms.store import FormAnswers

LANGUAGE = "en"  # of printed papers; a form without it is shown in its first


def questions_of(held: FormAnswers) -> Iterator[tuple[str, str, str]]:
    """Key, question and answer of what was asked, in order; without what has no answer."""
    for question in shown(held.definition, held.answers):
        answer = held.answers.get(question.key)
        if answer not in (None, "", []):
            yield question.key, _in_words(question.labels), _said(question, answer)


def _said(question: Question, answer: Answer | None) -> str:
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, float | int):
        return f"{answer:g} {question.unit}".strip()
    options = {option.key: _in_words(option.labels) for option in question.options}
    keys = answer if isinstance(answer, list) else [answer or ""]
    return ", ".join(options.get(key, key) for key in keys)


def _in_words(labels: Mapping[str, str]) -> str:
    return labels.get(LANGUAGE) or next(iter(labels.values()), "")
