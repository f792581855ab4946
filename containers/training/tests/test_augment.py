"""Questions are varied, and what they are answered with is not."""

from random import Random

from tunegate_training.augment import Augmentation, augment
from tunegate_training.conversations import Turn


def asked(content: str, answer: str) -> Turn:
    return Turn(({"role": "system", "content": "Sort."}, {"role": "user", "content": content}), answer)


LEARNT = [
    asked("Where is my parcel now", "parcel"),
    asked("Has my parcel been sent", "parcel"),
    asked("Please pay me back today", "refund"),
]


def words(turn: Turn) -> list[str]:
    return sorted(turn.prompt[-1]["content"].split(" "))


def test_without_chances_everything_stays_as_it_is():
    assert augment(LEARNT, Augmentation(0, 0, 0), Random(1)) == LEARNT


def test_moved_words_are_the_same_words_in_another_order():
    varied = augment(LEARNT, Augmentation(0, 0, shuffle_words=1), Random(1))
    assert varied != LEARNT
    assert [words(turn) for turn in varied] == [words(turn) for turn in LEARNT]


def test_a_question_is_only_joined_by_one_with_its_answer():
    varied = augment(LEARNT, Augmentation(0.2, 1, 0.5), Random(2))
    assert [turn.answer for turn in varied] == [turn.answer for turn in LEARNT]
    for turn in varied:
        known = {word for sibling in LEARNT if sibling.answer == turn.answer for word in words(sibling)}
        assert set(words(turn)) <= known
