"""Varies questions, so that a small model learns what decides an answer instead of sentences by heart."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from .conversations import Turn

MIN_WORDS_LEFT = 2


def augment(turns: Sequence[Turn], *, word_dropout: float, join_same_answer: float, random: Random) -> list[Turn]:
    """
    Leaves out each word of the last question with one chance, and puts another question with the same answer behind
    it with the other. The answers stay as they are. Zero leaves the turns alone.
    """
    if word_dropout == 0 and join_same_answer == 0:
        return list(turns)
    by_answer: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        by_answer[turn.answer].append(turn)
    return [_varied(turn, by_answer[turn.answer], word_dropout, join_same_answer, random) for turn in turns]


def _varied(turn: Turn, siblings: list[Turn], dropout: float, join: float, random: Random) -> Turn:
    other = random.choice(siblings)
    parts = [turn, other] if random.random() < join else [turn]
    question = " ".join(_drop_words(part.prompt[-1]["content"], dropout, random) for part in parts)
    return Turn((*turn.prompt[:-1], {**turn.prompt[-1], "content": question}), turn.answer)


def _drop_words(text: str, chance: float, random: Random) -> str:
    words = text.split(" ")
    kept = [word for word in words if random.random() >= chance]
    return text if len(kept) < min(MIN_WORDS_LEFT, len(words)) else " ".join(kept)
