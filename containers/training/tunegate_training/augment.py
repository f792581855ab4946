"""Varies questions, so that a small model learns what decides an answer instead of sentences by heart."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from random import Random

from .conversations import Turn

MIN_WORDS_LEFT = 2


@dataclass(frozen=True)
class Augmentation:
    """Chances, each zero when there is to be none: the local trainer's, lib/local/training/augment.ts."""

    word_dropout: float
    """Of each word of the last question to be left out."""
    join_same_answer: float
    """That another question with the same answer is put behind."""
    shuffle_words: float
    """That the words of a question are put in another order."""


def augment(turns: Sequence[Turn], augmentation: Augmentation, random: Random) -> list[Turn]:
    """Varies the last question of each turn. The answers stay as they are."""
    if not any(astuple(augmentation)):
        return list(turns)
    by_answer: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        by_answer[turn.answer].append(turn)
    return [_varied(turn, by_answer[turn.answer], augmentation, random) for turn in turns]


def _varied(turn: Turn, siblings: list[Turn], augmentation: Augmentation, random: Random) -> Turn:
    other = random.choice(siblings)
    parts = [turn, other] if random.random() < augmentation.join_same_answer else [turn]
    question = " ".join(_varied_text(part.prompt[-1]["content"], augmentation, random) for part in parts)
    return replace(turn, prompt=(*turn.prompt[:-1], {**turn.prompt[-1], "content": question}))


def _varied_text(text: str, augmentation: Augmentation, random: Random) -> str:
    words = text.split(" ")
    kept = [word for word in words if random.random() >= augmentation.word_dropout]
    if len(kept) < min(MIN_WORDS_LEFT, len(words)):
        kept = words
    if random.random() < augmentation.shuffle_words:
        random.shuffle(kept)
    return " ".join(kept)
