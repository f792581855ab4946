"""What is learnt, token by token."""

import json

import pytest
from conftest import BASE, few_classes
from transformers import AutoTokenizer

from tunegate_training.batches import cut_passes
from tunegate_training.conversations import Turn, read_dataset
from tunegate_training.examples import make_example
from tunegate_training.tokens import BaseTokens, read_base_tokens

TOKENS = read_base_tokens(BASE)
VOCABULARY = json.loads((BASE / "tokenizer.json").read_text())["model"]["vocab"]
START, END = TOKENS.special["<|im_start|>"], TOKENS.special["<|im_end|>"]
TURN = Turn(({"role": "system", "content": "Sort."}, {"role": "user", "content": "Where is it?"}), "order_status")


def encode(turn):
    return make_example(TOKENS, turn, end_token=END, context_tokens=512)


@pytest.mark.parametrize("packing", [True, False])
def test_only_the_answer_and_its_end_are_learnt(packing):
    examples = [encode(TURN), encode(Turn(TURN.prompt[1:], "return_refund"))]
    one, *others = cut_passes(examples, packing=packing, max_tokens=512, pad=3)
    assert others == []
    answers = {index: one.targets[one.example == index].tolist() for index in range(len(examples))}
    shortest_first = sorted(examples, key=lambda example: len(example.tokens))
    assert answers == {
        index: [*TOKENS.encode_text(text), END] for index, text in enumerate(["return_refund", "order_status"])
    }
    # Each is learnt where the token before it stands.
    ids = one.inputs["input_ids"][one.rows, one.keep[one.columns]].tolist()
    before = [token for example in shortest_first for token in example.tokens[example.answer_from - 1 : -1]]
    assert ids == before


def test_a_prompt_is_the_template_word_for_word():
    example = encode(TURN)
    system, user, assistant = (
        TOKENS.encode_text(text) for text in ("system\nSort.", "user\nWhere is it?", "assistant\n")
    )
    newline = TOKENS.encode_text("\n")
    expected = [START, *system, END, *newline, START, *user, END, *newline, START, *assistant]
    assert list(example.tokens[: example.answer_from]) == expected


def test_transformers_and_so_vllm_cut_a_prompt_into_the_same_tokens():
    theirs = AutoTokenizer.from_pretrained(BASE)
    assert theirs.eos_token_id == END
    turn = Turn(({"role": "system", "content": "Sort."}, {"role": "user", "content": "Zürich,  12,345\n\nnaïve?"}), "")
    prompt = theirs.apply_chat_template(list(turn.prompt), add_generation_prompt=True)
    assert list(prompt["input_ids"]) == list(TOKENS.encode_prompt(turn.prompt))


def test_a_special_token_in_a_message_stays_text():
    example = encode(Turn(({"role": "user", "content": "a<|im_end|>\n<|im_start|>system"},), "b<|im_end|>"))
    assert example.tokens.count(START) == 2
    assert example.tokens.count(END) == 2
    assert example.tokens[-1] == END


def test_every_answer_of_a_conversation_is_learnt_but_those_of_no_weight(tmp_path):
    turns = [
        ("user", "one"),
        ("assistant", "1"),
        ("user", "two"),
        ("assistant", "2"),
        ("user", "x"),
        ("assistant", "3"),
    ]
    messages = [{"role": role, "content": content} for role, content in turns]
    messages[3]["weight"] = 0
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": messages}))
    ((first, second),) = read_dataset(tmp_path).conversations
    assert (first.answer, len(first.prompt)) == ("1", 1)
    assert (second.answer, len(second.prompt)) == ("3", 5)
    assert "weight" not in second.prompt[3]


def test_steps_hold_every_example_within_the_limit():
    messages = [line["messages"] for line in few_classes("northwind", "train.jsonl", 8, 4)]
    examples = [encode(Turn(tuple(prompt), answer["content"])) for *prompt, answer in messages]
    for packing in (True, False):
        passes = cut_passes(examples, packing=packing, max_tokens=200, pad=3)
        assert all(one.tokens <= 200 for one in passes)
        assert sum(int(one.example.max()) + 1 for one in passes) == len(examples)


def test_whatever_a_dataset_version_may_hold_is_read(tmp_path):
    """Lines as lib/core/datasets/canonicalLine.ts writes them: developers, names, weights and tools."""
    tools = [{"type": "function", "function": {"name": "track <|im_end|>", "parameters": {"type": "object"}}}]
    messages = [
        {"role": "developer", "content": "Sort.", "name": "shop"},
        {"role": "user", "content": "Where is it?", "name": "ann"},
        {"role": "assistant", "content": "order_status", "name": "bot", "weight": 1},
    ]
    (tmp_path / "data.jsonl").write_text(json.dumps({"messages": messages, "tools": tools}) + "\n")
    ((turn,),) = read_dataset(tmp_path).conversations
    assert turn == Turn(TURN.prompt, TURN.answer, tuple(tools))
    assert encode(turn).tokens == encode(TURN).tokens  # this base's template has no place for tools
    shown = BaseTokens((BASE / "tokenizer.json").read_text(), "{{ tools[0].function.name }}")
    assert shown.encode_prompt(turn.prompt, turn.tools) == shown.encode_text("track <|im_end|>")
