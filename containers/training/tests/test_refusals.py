"""Bad jobs end with a stable code where SageMaker looks for the reason."""

import json

import pytest
import torch
from conftest import few_classes

from tunegate_training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from tunegate_training.failures import FailureCode, TrainingFailure
from tunegate_training.locations import find_locations
from tunegate_training.run import run
from tunegate_training.settings import read_settings

SECRET = "4929 1111 2222 3333"
GOOD = few_classes("northwind", "train.jsonl", 2, 4)


def failure_of(job, monkeypatch):
    monkeypatch.setenv("TUNEGATE_ML_ROOT", str(job.root))
    assert run() == 1
    assert not (job.model / "adapter_model.safetensors").exists()
    return job.failure


@pytest.mark.parametrize(
    ("hyperparameters", "named"),
    [
        ({"rank": 12}, "rank"),
        ({"rank": "eight"}, "rank"),
        ({"learningRate": 0}, "learningRate"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"bias": "all"}, "bias"),
        ({"useDora": True}, "useDora"),
        ({"modulesToSave": ["lm_head"]}, "modulesToSave"),
        ({"targetModules": ["embed_tokens"]}, "targetModules"),
        ({"targetModules": []}, "targetModules"),
        ({"learning_rate": 1e-3}, "learning_rate"),
        ({"seed": -1}, "seed"),
    ],
)
def test_refuses_settings_that_it_cannot_honour(make_job, monkeypatch, hyperparameters, named):
    failure = failure_of(make_job(GOOD, **hyperparameters), monkeypatch)
    assert failure.startswith("invalid_settings: ")
    assert f'"{named}"' in failure


def test_refuses_a_setting_that_is_given_twice(make_job, monkeypatch):
    assert failure_of(make_job(GOOD, settings={"rank": 8}, rank=8), monkeypatch).startswith("invalid_settings: ")


def test_reads_settings_from_hyperparameters_and_from_the_channel(make_job):
    job = make_job(GOOD, settings={"rank": 16, "targetModules": ["v_proj", "q_proj"]}, epochs=3)
    settings = read_settings(find_locations({"TUNEGATE_ML_ROOT": str(job.root)}))
    assert (settings["rank"], settings["epochs"], settings["batchSize"]) == (16, 3, 16)
    assert settings["targetModules"] == ["q_proj", "v_proj"]


def test_respects_the_variables_of_sagemaker(make_job, tmp_path):
    job = make_job(GOOD)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = find_locations(
        {"TUNEGATE_ML_ROOT": str(job.root), "SM_CHANNEL_TRAIN": str(elsewhere), "SM_MODEL_DIR": str(elsewhere)}
    )
    assert (found.train, found.model) == (elsewhere, elsewhere)
    assert found.base == job.root / "input/data/base"


USER = {"role": "user", "content": SECRET}
ANSWER = {"role": "assistant", "content": "x"}


@pytest.mark.parametrize(
    "line",
    [
        f"{{{SECRET}",
        "[" * 100_000,
        f'"{SECRET}"',
        json.dumps({"messages": []}),
        json.dumps({"messages": [USER]}),
        json.dumps({"messages": [ANSWER]}),
        json.dumps({"messages": [USER, {"role": "tool", "content": SECRET}]}),
        json.dumps({"messages": [USER, {"role": "assistant", "content": None}]}),
        json.dumps({"messages": [USER, {**ANSWER, "tool_calls": []}]}),
        json.dumps({"messages": [USER, {**ANSWER, "weight": 2}]}),
        json.dumps({"messages": [USER, ANSWER], "prompt": SECRET}),
        json.dumps({"messages": [USER, {**ANSWER, "weight": 0}]}),
        "",
    ],
)
def test_refuses_bad_data_and_tells_nothing_of_it(make_job, monkeypatch, line):
    failure = failure_of(make_job(line + "\n"), monkeypatch)
    assert failure.startswith("invalid_dataset: ")
    assert SECRET not in failure


def test_names_the_line_that_is_wrong(make_job, monkeypatch):
    job = make_job("\n".join([json.dumps(GOOD[0]), "{", json.dumps(GOOD[1])]))
    assert "train.jsonl line 2" in failure_of(job, monkeypatch)


def test_refuses_a_conversation_above_the_context(make_job, monkeypatch):
    long = {"messages": [{"role": "user", "content": "word " * 600}, ANSWER]}
    assert failure_of(make_job([*GOOD, long]), monkeypatch).startswith("example_too_long: ")


def test_refuses_another_base_than_was_asked_for(make_job, monkeypatch):
    assert failure_of(make_job(GOOD, baseSha256="0" * 64), monkeypatch).startswith("base_mismatch: ")


@pytest.mark.parametrize("channel", ["base", "train"])
def test_refuses_a_job_without_its_channels(make_job, monkeypatch, channel):
    job = make_job(GOOD)
    (job.root / "input/data" / channel).rename(job.root / "gone")
    assert failure_of(job, monkeypatch).startswith(f'missing_channel: the job has no channel "{channel}"')


def test_refuses_a_base_without_weights(make_job, monkeypatch):
    job = make_job(GOOD)
    (job.root / "input/data/base").unlink()
    (job.root / "input/data/base").mkdir()
    assert failure_of(job, monkeypatch).startswith("invalid_base: ")


def test_passes_over_a_checkpoint_that_is_not_whole_and_refuses_another_jobs(tmp_path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, "mine", Checkpoint(step, {"weight/a": torch.full((9,), step)}, {"loss": 0.5}))
    files = sorted(tmp_path.glob("checkpoint-*"))
    assert len(files) == 2
    files[-1].write_bytes(files[-1].read_bytes()[:-8])
    found = load_checkpoint(tmp_path, "mine", lambda _step: True)
    assert found is not None
    assert (found.step, found.tensors["weight/a"].tolist()) == (2, [2] * 9)
    with pytest.raises(TrainingFailure) as refused:
        load_checkpoint(tmp_path, "another", lambda _step: True)
    assert refused.value.code is FailureCode.CHECKPOINT_MISMATCH


def test_continues_from_the_newest_checkpoint_that_has_what_its_epochs_kept(tmp_path):
    for step in (1, 2):
        save_checkpoint(tmp_path, "mine", Checkpoint(step, {"weight/a": torch.zeros(1)}, {}))
    steps = [
        found.step
        for complete in ({1, 2}, {1}, set())
        if (found := load_checkpoint(tmp_path, "mine", complete.__contains__)) is not None
    ]
    assert steps == [2, 1, 2]
