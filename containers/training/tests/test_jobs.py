"""Whole jobs: they learn, they survive interruptions, and their adapters are the same on both engines."""

import hashlib
import json
import subprocess
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from conftest import BASE, DEMO, ROOT, as_lines, few_classes, read_lines
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tunegate_training.output import BASE_SHA256_FIELD
from tunegate_training.tokens import read_base_tokens

POINTS_APART = 2  # how far two engines' scores of one adapter may lie from each other, in percent
MAX_ANSWER_TOKENS = 32
SHORT = {"epochs": 2, "batchSize": 8, "checkpointSteps": 3}
LEARNING = {"epochs": 6, "gradientCheckpointing": False}
CLASSES, SENTENCES = 4, 50


def node(script: str, *arguments: str, stdin: str = "") -> dict:
    answer = subprocess.run(
        ["node", script, *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=300, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def score_in_node(adapter: Path, questions: Path) -> float:
    score = node(
        "test/training/scoreAdapter.ts",
        *("--base", str(BASE), "--adapter", str(adapter), "--questions", str(questions)),
    )
    return 100 * score["exact"] / score["total"]


@torch.no_grad()
def score_in_peft(adapter: Path | None, questions: Path) -> float:
    """Greedy answers, token for token, as PEFT itself loads and runs the adapter."""
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter))
    model.eval()
    tokens = read_base_tokens(BASE)
    exact = 0
    lines = read_lines(questions)
    for line in lines:
        *prompt, answer = line["messages"]
        ids = torch.tensor([tokens.encode_prompt(prompt)])
        answered = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=MAX_ANSWER_TOKENS,
            pad_token_id=3,
        )[0, ids.shape[1] :].tolist()
        exact += answered == [*tokens.encode_text(answer["content"]), tokens.special["<|im_end|>"]]
    return 100 * exact / len(lines)


def test_a_job_learns_and_its_adapter_scores_the_same_in_the_local_engine(make_job, tmp_path):
    train = few_classes("northwind", "train.jsonl", CLASSES, SENTENCES)
    held_out = few_classes("northwind", "test.jsonl", CLASSES, 12)
    job = make_job(train, held_out, settings=LEARNING)
    code, log = job.run()
    assert code == 0, log
    metrics = node("test/training/readMetrics.ts", stdin=log)

    assert all(metrics.values()), "every metric definition finds something in the log"
    losses = metrics["train:loss"]
    assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5 / 10
    assert metrics["train:progress"][-1] == 1
    assert all(earlier < later for earlier, later in pairwise(metrics["train:progress"]))
    assert metrics["validation:loss"][-1] < metrics["validation:loss"][0]
    told = read_lines(job.root / "checkpoints/progress.jsonl")
    assert [line["epoch"] for line in told if "validationExact" in line] == [1, 2, 3, 4, 5, 6]
    assert told[-1]["step"] == told[-1]["steps"]
    assert told[-1]["validationExact"] == pytest.approx(metrics["validation:exact"][-1], abs=1e-3)

    questions = tmp_path / "questions.jsonl"
    questions.write_text(as_lines(held_out))
    in_training = 100 * metrics["validation:exact"][-1]
    scores = {
        "base in PEFT": score_in_peft(None, questions),
        "adapter in training": in_training,
        "adapter in PEFT": score_in_peft(job.model, questions),
        "adapter in the local engine": score_in_node(job.model, questions),
    }
    print(scores)
    assert scores["base in PEFT"] < 10
    assert in_training > 70
    assert scores["adapter in PEFT"] == pytest.approx(in_training, abs=POINTS_APART)
    assert scores["adapter in the local engine"] == pytest.approx(in_training, abs=POINTS_APART + 100 / len(held_out))

    lineage = job.lineage()
    assert lineage["metrics"]["validation_exact"] == pytest.approx(in_training / 100, abs=1e-3)
    assert lineage["examples"] == len(train)
    data = (job.root / "input/data/train/train.jsonl").read_bytes()
    assert lineage["datasetSha256"] == hashlib.sha256(data).hexdigest()
    with safe_open(DEMO / "northwind/adapter/adapter_model.safetensors", "pt") as demo:
        base_sha256 = demo.metadata()[BASE_SHA256_FIELD]
    assert lineage["baseSha256"] == base_sha256, "the same base as the local trainer's"
    assert {"torch", "transformers", "peft"} <= lineage["versions"].keys()
    assert lineage["settings"]["rank"] == 8
    assert {path.name for path in job.model.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "lineage.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert (job.model / "chat_template.jinja").read_bytes() == (BASE / "chat_template.jinja").read_bytes()


def test_an_adapter_from_the_local_trainer_scores_the_same_in_peft():
    adapter, questions = DEMO / "harbor/adapter", DEMO / "harbor/test.jsonl"
    in_peft, in_node = score_in_peft(adapter, questions), score_in_node(adapter, questions)
    print({"adapter in PEFT": in_peft, "adapter in the local engine": in_node})
    assert in_node > 50
    assert in_peft == pytest.approx(in_node, abs=POINTS_APART)


@pytest.mark.parametrize("dropout", [0, 0.1])
def test_an_interrupted_job_continues_to_the_same_weights(make_job, dropout):
    settings = {**SHORT, "dropout": dropout, "wordDropout": 0.1, "joinSameAnswer": 0.3, "shuffleWords": 0.3}
    train = few_classes("harbor", "train.jsonl", 4, 6)
    whole = make_job(train, settings=settings)
    assert whole.run()[0] == 0

    cut = make_job(train, settings=settings)
    code, log = cut.run_until("metric step=4")
    assert code == 143, log
    assert not cut.model.exists()
    assert not (cut.root / "output/failure").exists()
    code, log = cut.run()
    assert code == 0, log
    assert "resumed at step" in log
    told = [{line["step"] for line in read_lines(job.root / "checkpoints/progress.jsonl")} for job in (whole, cut)]
    assert told[0] == told[1]

    expected, got = (load_file(job.model / "adapter_model.safetensors") for job in (whole, cut))
    assert expected.keys() == got.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, got[name]), name
    assert any(tensor.abs().max() > 0 for name, tensor in expected.items() if "lora_B" in name)


def test_a_killed_job_continues_to_the_same_weights(make_job):
    train = few_classes("harbor", "train.jsonl", 4, 6)
    whole = make_job(train, settings=SHORT)
    assert whole.run()[0] == 0

    cut = make_job(train, settings=SHORT)
    process = cut.start()
    assert process.stdout is not None
    for line in process.stdout:
        if "metric step=5" in line:
            process.kill()
    process.wait()
    code, log = cut.run()
    assert code == 0, log
    assert "resumed at step 3" in log
    assert weights(whole) == weights(cut)


def test_checkpoints_of_other_data_are_refused(make_job):
    train = few_classes("harbor", "train.jsonl", 4, 6)
    job = make_job(train, settings=SHORT)
    assert job.run_until("metric step=1")[0] == 143
    (job.root / "input/data/train/train.jsonl").write_text(as_lines(train[:-1]))
    assert job.run()[0] == 1
    assert job.failure.startswith("checkpoint_mismatch: ")


def test_questions_that_do_not_fit_together_are_learnt_one_by_one(make_job):
    question = {"role": "user", "content": "Where is my parcel? " * 60}
    train = [{"messages": [question, {"role": "assistant", "content": "shipping"}]}] * 2
    code, log = make_job(train, settings={"epochs": 1, "joinSameAnswer": 1}).run()
    assert code == 0, log


def test_another_seed_gives_another_adapter(make_job):
    train = few_classes("harbor", "train.jsonl", 2, 4)
    first, second = (make_job(train, settings={"epochs": 1}, seed=seed) for seed in (1, 2))
    assert first.run()[0] == second.run()[0] == 0
    assert weights(first) != weights(second)


def weights(job) -> bytes:
    return (job.model / "adapter_model.safetensors").read_bytes()


def kept(job) -> dict[str, bytes]:
    """What the job kept beside its checkpoints, by name."""
    return {path.name: path.read_bytes() for path in sorted((job.root / "checkpoints").glob("adapter-*"))}


def test_the_last_epochs_but_the_last_are_kept_the_same_whatever_cut_the_job_off(make_job, tmp_path):
    train = few_classes("harbor", "train.jsonl", 4, 6)  # three steps an epoch
    settings = SHORT | {"epochs": 4, "checkpointSteps": 2}
    whole = make_job(train, settings=settings)
    code, log = whole.run()
    assert code == 0, log
    names = ["adapter-epoch-2-step-6.tar.gz", "adapter-epoch-3-step-9.tar.gz"]
    assert list(kept(whole)) == names
    assert len(set(kept(whole).values())) == 2

    cut = make_job(train, settings=settings)
    assert cut.run_until("metric step=6")[0] == 143
    # Its last checkpoint came to S3, and what was kept before it did not: an older one goes over it again.
    (cut.root / "checkpoints" / names[0]).unlink()
    process = cut.start()
    assert process.stdout is not None
    for line in process.stdout:
        assert "resumed at step 6" not in line
        if "metric step=10" in line:
            process.kill()
    process.wait()
    code, log = cut.run()
    assert code == 0, log
    assert "resumed at step" in log
    assert weights(cut) == weights(whole)
    assert kept(cut) == kept(whole)
    for name in names:
        members = unpack(whole.root / "checkpoints" / name, tmp_path)
        assert members.keys() == {"adapter_config.json", "adapter_model.safetensors", "lineage.json"}
        assert members["adapter_config.json"] == (whole.model / "adapter_config.json").read_bytes()
        assert members["adapter_model.safetensors"] != weights(whole)
        assert "seconds" not in json.loads(members["lineage.json"])


def unpack(archive: Path, into: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as members:
        members.extractall(into, filter="data")
        return {name: (into / name).read_bytes() for name in members.getnames()}


def test_a_job_of_one_epoch_keeps_nothing_but_its_model(make_job):
    job = make_job(few_classes("harbor", "train.jsonl", 2, 4), settings={"epochs": 1})
    assert job.run()[0] == 0
    assert kept(job) == {}
