"""A form: questions in order, with labels in each language, and when each is shown.

A version is never edited: what was answered is read with the questions that were asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.directory.model import Language
from clinic_api.errors import Refused

QuestionKind = Literal["text", "long_text", "number", "choice", "choices", "date", "yes_no"]
Key = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[str, Meta(min_length=1, max_length=500)]
Labels = Annotated[dict[Language, Label], Meta(min_length=1, max_length=20)]
YES, NO = "yes", "no"  # what `shown_if` compares an answer to yes_no with
WITH_OPTIONS = frozenset({"choice", "choices"})
DECIDING = frozenset({"choice", "choices", "yes_no"})  # of which others may depend


class Option(msgspec.Struct, frozen=True):
    key: Key
    labels: Labels


class Condition(msgspec.Struct, frozen=True):
    """The answer to an earlier question is, or has among it, `option`: a key, yes or no."""

    question: Key
    option: Key


class Question(msgspec.Struct, frozen=True, kw_only=True):
    key: Key
    kind: QuestionKind
    labels: Labels
    required: bool = False
    options: Annotated[tuple[Option, ...], Meta(max_length=50)] = ()
    unit: Annotated[str, Meta(max_length=20)] = ""  # of a number, as UCUM writes it
    minimum: float | None = None
    maximum: float | None = None
    shown_if: Condition | None = None


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    titles: Labels
    questions: Annotated[tuple[Question, ...], Meta(min_length=1, max_length=100)]


def checked(definition: Definition) -> Definition:
    """The same. Raises Refused(invalid) with a sentence for every wrong question."""
    languages = frozenset(definition.titles)
    earlier: dict[str, Question] = {}
    wrong: dict[str, str] = {}
    for index, question in enumerate(definition.questions):
        place = f"questions[{index}]"
        sentence = _wrong(question, earlier, languages)
        if sentence:
            wrong[place] = sentence
        earlier.setdefault(question.key, question)
    if wrong:
        raise Refused("invalid", fields=wrong)
    return definition


def label(labels: Mapping[str, str], language: str) -> str:
    """In this language, else in the first that there is."""
    return (
        labels.get(language)
        or labels.get(language.partition("-")[0])
        or next(iter(labels.values()))
    )


def _wrong(question: Question, earlier: Mapping[str, Question], languages: frozenset[str]) -> str:
    """A sentence, "" where all is right."""
    if question.key in earlier:
        return "Another question has this key."
    lists = [question.labels, *(option.labels for option in question.options)]
    if any(frozenset(labels) != languages for labels in lists):
        return "Please write it in every language that the title has."
    options = [option.key for option in question.options]
    if question.kind in WITH_OPTIONS:
        if len(options) < 2:
            return "A choice needs two options or more."
        if len(set(options)) < len(options):
            return "Two options have the same key."
    elif options:
        return "Only a choice has options."
    return _wrong_bounds(question) or _wrong_condition(question.shown_if, earlier)


def _wrong_bounds(question: Question) -> str:
    least, most = question.minimum, question.maximum
    if question.kind != "number":
        return (
            "" if (least, most, question.unit) == (None, None, "") else "Only a number has these."
        )
    if least is not None and most is not None and least > most:
        return "The minimum is above the maximum."
    return ""


def _wrong_condition(condition: Condition | None, earlier: Mapping[str, Question]) -> str:
    if condition is None:
        return ""
    asked = earlier.get(condition.question)
    if asked is None or asked.kind not in DECIDING:
        return "It can only depend on a choice, or on yes or no, that is asked before."
    known = {option.key for option in asked.options} or {YES, NO}
    return (
        "" if condition.option in known else "The question that it depends on has no such option."
    )
