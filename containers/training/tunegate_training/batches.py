"""From examples to tensors: which ones make a step, and how they lie side by side on the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch

from .examples import Example

# Steps are cut from this many neighbours sorted by length: passes fill evenly, and the order is still random.
BUCKET_STEPS = 8


@dataclass(frozen=True)
class Pass:
    """
    What goes through the model at once. Of its outputs only the columns `keep` are computed; among those,
    `rows`, `columns` and `targets` name each token that is to be learnt, `example` which example it is of.
    """

    inputs: dict[str, torch.Tensor]
    keep: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    targets: torch.Tensor
    example: torch.Tensor
    tokens: int


def cut_steps(examples: Sequence[Example], size: int, random: Random) -> list[list[Example]]:
    """Every example once, `size` to a step, in an order that only `random` decides."""
    order = list(examples)
    random.shuffle(order)
    steps: list[list[Example]] = []
    for start in range(0, len(order), size * BUCKET_STEPS):
        bucket = sorted(order[start : start + size * BUCKET_STEPS], key=lambda example: len(example.tokens))
        steps += [bucket[at : at + size] for at in range(0, len(bucket), size)]
    random.shuffle(steps)
    return steps


def cut_passes(step: Sequence[Example], *, packing: bool, max_tokens: int, pad: int) -> list[Pass]:
    """Lays a step out in passes of at most `max_tokens`; an example that alone is longer has a pass to itself."""
    groups: list[list[Example]] = []
    for example in sorted(step, key=lambda example: len(example.tokens)):
        taken = [*groups[-1], example] if groups else [example]
        # The longest comes last, so a padded group is as wide as this example.
        width = sum(len(one.tokens) for one in taken) if packing else len(taken) * len(example.tokens)
        if groups and width <= max_tokens:
            groups[-1].append(example)
        else:
            groups.append([example])
    return [_packed(group) if packing else _padded(group, pad) for group in groups]


def _packed(examples: Sequence[Example]) -> Pass:
    """
    One row, examples end to end, without padding. The positions begin at zero again with each example: from that, and
    from there being no attention mask, transformers knows where one ends and lets none look into another.
    """
    ids: list[int] = []
    positions: list[int] = []
    kept: list[int] = []
    targets: list[int] = []
    owner: list[int] = []
    for index, example in enumerate(examples):
        kept += range(len(ids) + example.answer_from - 1, len(ids) + len(example.tokens) - 1)
        targets += example.tokens[example.answer_from :]
        owner += [index] * example.answer_tokens
        ids += example.tokens
        positions += range(len(example.tokens))
    return Pass(
        inputs={"input_ids": torch.tensor([ids]), "position_ids": torch.tensor([positions])},
        keep=torch.tensor(kept),
        rows=torch.zeros(len(kept), dtype=torch.long),
        columns=torch.arange(len(kept)),
        targets=torch.tensor(targets),
        example=torch.tensor(owner),
        tokens=len(ids),
    )


def _padded(examples: Sequence[Example], pad: int) -> Pass:
    """One row an example, padded at the end; for attention that cannot be told where packed examples end."""
    width = max(len(example.tokens) for example in examples)
    ids = [[*example.tokens, *[pad] * (width - len(example.tokens))] for example in examples]
    mask = [[1] * len(example.tokens) + [0] * (width - len(example.tokens)) for example in examples]
    first = min(example.answer_from for example in examples) - 1
    places = [
        (row, column - 1 - first, example.tokens[column])
        for row, example in enumerate(examples)
        for column in range(example.answer_from, len(example.tokens))
    ]
    rows, columns, targets = (torch.tensor(values) for values in zip(*places, strict=True))
    return Pass(
        inputs={"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)},
        keep=torch.arange(first, width),
        rows=rows,
        columns=columns,
        targets=targets,
        example=rows,
        tokens=len(examples) * width,
    )
