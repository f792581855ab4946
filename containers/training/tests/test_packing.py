"""Packed examples do not see each other: together they give what each gives alone."""

import pytest
import torch
from conftest import BASE, few_classes

from tunegate_training.base import Device, load_model
from tunegate_training.batches import cut_passes
from tunegate_training.conversations import Turn
from tunegate_training.examples import make_example
from tunegate_training.settings import SETTINGS, Settings
from tunegate_training.tokens import read_base_tokens


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    values = {name: setting.default for name, setting in SETTINGS.items()} | {"gradientCheckpointing": False}
    model = load_model(BASE, Settings(values), Device("cpu", bf16=False))
    torch.manual_seed(7)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.05)
    return model


@pytest.fixture(scope="module")
def examples():
    tokens = read_base_tokens(BASE)
    lines = few_classes("harbor", "train.jsonl", 8, 1)
    turns = [Turn(tuple(line["messages"][:-1]), line["messages"][-1]["content"]) for line in lines]
    return [make_example(tokens, turn, end_token=2, context_tokens=512) for turn in turns]


def losses_and_gradients(model, examples, *, packing, max_tokens):
    model.zero_grad()
    losses = []
    for one in cut_passes(examples, packing=packing, max_tokens=max_tokens, pad=3):
        logits = model(**one.inputs, logits_to_keep=one.keep).logits[one.rows, one.columns]
        loss = torch.nn.functional.cross_entropy(logits, one.targets, reduction="none")
        loss.sum().backward()
        losses.append(loss.detach())
    return torch.cat(losses), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("packing", [True, False])
def test_examples_together_give_the_losses_and_gradients_that_each_gives_alone(model, examples, packing):
    alone, gradients_alone = losses_and_gradients(model, examples, packing=False, max_tokens=1)
    together, gradients = losses_and_gradients(model, examples, packing=packing, max_tokens=4096)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    for name, expected in gradients_alone.items():
        torch.testing.assert_close(gradients[name], expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_a_neighbour_changes_nothing(model, examples):
    first, second, third = sorted(examples, key=lambda example: len(example.tokens))[:3]
    kept = second.answer_tokens
    with_first, _ = losses_and_gradients(model, [first, second], packing=True, max_tokens=4096)
    with_third, _ = losses_and_gradients(model, [second, third], packing=True, max_tokens=4096)
    torch.testing.assert_close(with_first[-kept:], with_third[:kept], rtol=1e-4, atol=1e-5)


def test_without_fresh_positions_they_would_leak(model, examples):
    """The test above can fail: positions that run on let examples see each other."""
    (one,) = cut_passes(examples, packing=True, max_tokens=4096, pad=3)
    running = torch.arange(one.inputs["input_ids"].shape[1])[None]
    with torch.no_grad():
        right = model(**one.inputs, logits_to_keep=one.keep).logits
        leaking = model(input_ids=one.inputs["input_ids"], position_ids=running, logits_to_keep=one.keep).logits
    assert (right - leaking).abs().max() > 0.1
