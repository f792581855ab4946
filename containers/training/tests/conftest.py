"""Jobs as SageMaker starts them: a folder like /opt/ml, and a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
BASE = ROOT / "containers/bases/tunegate-nano"
TRAINER = ROOT / "containers/training/train.py"
DEMO = ROOT / "lib/local/demo"
GRACE_SECONDS = 120  # between SIGTERM and SIGKILL on SageMaker
JOB_SECONDS = 1800  # twenty times what it takes on an idle machine


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def few_classes(name: str, file: str, classes: int, each: int) -> list[dict[str, Any]]:
    """A part of a demonstration tenant's data that a processor learns in a minute."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for line in read_lines(DEMO / name / file):
        kept.setdefault(line["messages"][-1]["content"], []).append(line)
    return [line for answer in sorted(kept)[:classes] for line in kept[answer][:each]]


@dataclass(frozen=True)
class Job:
    """A job's folder, as /opt/ml is in the container."""

    root: Path

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def failure(self) -> str:
        return (self.root / "output/failure").read_text()

    def lineage(self) -> dict[str, Any]:
        return json.loads((self.model / "lineage.json").read_text())

    def start(self) -> subprocess.Popen[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SM_")},
            "TUNEGATE_ML_ROOT": str(self.root),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.Popen(
            [sys.executable, str(TRAINER)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self) -> tuple[int, str]:
        process = self.start()
        try:
            log, _ = process.communicate(timeout=JOB_SECONDS)
        finally:
            process.kill()
        return process.returncode, log

    def run_until(self, text: str) -> tuple[int, str]:
        """Sends SIGTERM as soon as a line of the log has the text, and sees that the job ends in SageMaker's time."""
        process = self.start()
        assert process.stdout is not None
        log, told_at = "", 0.0
        for line in process.stdout:
            log += line
            if text in line and told_at == 0:
                process.send_signal(signal.SIGTERM)
                told_at = time.monotonic()
        code = process.wait()
        assert time.monotonic() - told_at < GRACE_SECONDS
        return code, log


MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(tmp_path: Path) -> MakeJob:
    made = 0

    def make(
        train: list[dict[str, Any]] | str,
        validation: list[dict[str, Any]] | None = None,
        settings: Mapping[str, Any] | None = None,
        **hyperparameters: Any,
    ) -> Job:
        nonlocal made
        made += 1
        job = Job(tmp_path / f"job-{made}")
        data = job.root / "input/data"
        for channel in ("train", "settings", *(["validation"] if validation else [])):
            (data / channel).mkdir(parents=True)
        (data / "base").symlink_to(BASE)
        (data / "train/train.jsonl").write_text(train if isinstance(train, str) else as_lines(train))
        if validation:
            (data / "validation/validation.jsonl").write_text(as_lines(validation))
        (data / "settings/settings.json").write_text(json.dumps(settings or {}))
        (job.root / "input/config").mkdir(parents=True)
        given = {"baseModel": "tunegate-nano", "sagemaker_program": "train.py"} | hyperparameters
        # Script mode: every value is JSON, and text in the file.
        texts = {name: json.dumps(value) for name, value in given.items()}
        (job.root / "input/config/hyperparameters.json").write_text(json.dumps(texts))
        return job

    return make


def as_lines(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
