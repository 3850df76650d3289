"""Titles in both languages, and words that carry theirs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A title in both languages; Chinese is the original."""

    zh: str
    en: str

    def in_language(self, lang: str) -> str:
        return self.en if lang == "en" else self.zh


class TitledWord(StrEnum):
    """Words of which each is told with its titles: `OWN = "own", "本级", "Own"`."""

    label: Text

    def __new__(cls, value: str, *titles: str) -> Self:
        zh, en = titles
        word = str.__new__(cls, value)
        word._value_ = value
        word.label = Text(zh=zh, en=en)
        return word
