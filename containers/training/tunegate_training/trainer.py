"""The training itself: steps over a dataset, each a pure function of the seed and its number."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch
from peft import get_peft_model_state_dict
from peft.peft_model import PeftModel
from torch.nn import functional

from .augment import Augmentation, augment
from .base import Device
from .batches import Pass, cut_passes, cut_steps
from .checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from .conversations import Turn
from .examples import Example
from .failures import FailureCode, TrainingFailure
from .interruption import Interrupted, InterruptionWatch
from .kept import Archive, KeptAdapters
from .metrics import print_metrics
from .progress import ProgressLog
from .settings import Settings

WARM_UP_STEPS = 10
FINAL_RATE = 0.05  # of the learning rate
CLIP_NORM = 1.0


@dataclass
class Trainer:
    """One run. `turns` are learnt, `validation` only watched; `encode` makes an example of a turn."""

    model: PeftModel
    settings: Settings
    device: Device
    turns: Sequence[Turn]
    validation: Sequence[Example]
    encode: Callable[[Turn], Example]
    pad_token: int
    watch: InterruptionWatch
    checkpoints: Path
    fingerprint: str
    archive: Archive
    progress: dict[str, float] = field(default_factory=dict)
    step: int = 0

    def __post_init__(self) -> None:
        self.parameters = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=0, weight_decay=0, foreach=True)
        self.steps_per_epoch = math.ceil(len(self.turns) / self.settings["batchSize"])
        self.steps = self.steps_per_epoch * self.settings["epochs"]
        self.log = ProgressLog(self.checkpoints, self.steps, self.steps_per_epoch)
        self.kept = KeptAdapters(self.checkpoints, self.settings["epochs"], self.steps_per_epoch, self.archive)

    def run(self) -> dict[str, float]:
        """Trains to the end, from a checkpoint where there is one. Returns the last metrics. Raises Interrupted."""
        self._resume()
        while self.step < self.steps:
            epoch = self.step // self.steps_per_epoch
            self._train_epoch(epoch)
            checked = self.evaluate(self.validation) if self.validation else {}
            self.progress |= {f"validation_{name}": value for name, value in checked.items()}
            print_metrics(self.step, epoch=epoch + 1, **self.progress)
            self.log.tell_epoch(self.step, self.progress["train_loss"], checked)
            if self.kept.keeps(epoch + 1):
                self.kept.keep(epoch + 1, self.adapter(), self.progress)
            self._save_when_due()
        return self.progress

    @torch.no_grad()
    def evaluate(self, examples: Sequence[Example]) -> dict[str, float]:
        """The loss of a token, and the share of examples whose whole answer the model would give, token for token."""
        self.model.eval()
        loss, tokens, exact = 0.0, 0, 0
        for one in self._passes(examples):
            logits = self._logits(one)
            loss += functional.cross_entropy(logits, one.targets, reduction="sum").item()
            tokens += len(one.targets)
            wrong = one.example[logits.argmax(-1) != one.targets].unique()
            exact += int(one.example.max()) + 1 - len(wrong)
        self.model.train()
        return {"loss": loss / tokens, "exact": exact / len(examples)}

    def _train_epoch(self, epoch: int) -> None:
        """Augmentation and order depend on the seed and the epoch alone, so that a resumed epoch is the same one."""
        self.model.train()
        random = Random(f"{self.settings['seed']}:{epoch}")
        varied = augment(
            self.turns,
            Augmentation(
                word_dropout=self.settings["wordDropout"],
                join_same_answer=self.settings["joinSameAnswer"],
                shuffle_words=self.settings["shuffleWords"],
            ),
            random,
        )
        examples = [self._encode_varied(turn, original) for turn, original in zip(varied, self.turns, strict=True)]
        steps = cut_steps(examples, self.settings["batchSize"], random)
        for examples in steps[self.step - epoch * self.steps_per_epoch :]:
            self._train_step(examples)
            # What an epoch's end tells and keeps comes before its checkpoint: a run that goes on from it is past both.
            if self.step % self.steps_per_epoch != 0:
                self._save_when_due()

    def _save_when_due(self) -> None:
        if self.step % self.settings["checkpointSteps"] == 0 and self.step < self.steps:
            self.save()

    def _encode_varied(self, varied: Turn, original: Turn) -> Example:
        """Two questions joined can be too long for the base, though each of them fits: then the turn stays as it is."""
        try:
            return self.encode(varied)
        except TrainingFailure as failure:
            if failure.code is not FailureCode.EXAMPLE_TOO_LONG:
                raise
            return self.encode(original)

    def _train_step(self, examples: Sequence[Example]) -> None:
        """The loss is the mean over all answers' tokens of the step, in however many passes they are computed."""
        began = time.monotonic()
        answers = sum(example.answer_tokens for example in examples)
        random_states = self._random_states()
        loss, tokens = 0.0, 0
        for one in self._passes(examples):
            if self.watch.told:
                self._give_up_step(random_states)
            part = functional.cross_entropy(self._logits(one), one.targets, reduction="sum") / answers
            part.backward()
            loss += part.item()
            tokens += one.tokens
        if not math.isfinite(loss):
            message = f"the loss is no number at step {self.step + 1}: try a lower learningRate"
            raise TrainingFailure(FailureCode.TRAINING_DIVERGED, message)
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), CLIP_NORM)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        seconds = time.monotonic() - began
        self.progress["train_loss"] = loss
        self.progress["trained_tokens"] = self.progress.get("trained_tokens", 0) + tokens
        print_metrics(self.step, train_loss=loss, tokens_per_second=tokens / seconds, progress=self.step / self.steps)
        self.log.tell_step(self.step, loss, tokens / seconds)

    def _give_up_step(self, random_states: dict[str, torch.Tensor]) -> None:
        """What the step had computed is thrown away: it will be computed again, whole."""
        self.save(random_states)
        raise Interrupted

    def _rate(self) -> float:
        """Rises over the first steps, then falls in a straight line."""
        falling = max(FINAL_RATE, 1 - self.step / self.steps)
        return float(self.settings["learningRate"] * min(1, (self.step + 1) / WARM_UP_STEPS) * falling)

    def _passes(self, examples: Sequence[Example]) -> list[Pass]:
        return [
            _moved(one, self.device.type)
            for one in cut_passes(
                examples,
                packing=self.settings["packing"],
                max_tokens=self.settings["tokensPerPass"],
                pad=self.pad_token,
            )
        ]

    def _logits(self, one: Pass) -> torch.Tensor:
        """Scores of the tokens to be learnt alone: over a large vocabulary the others would cost the most."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.bf16):
            logits = self.model(**one.inputs, logits_to_keep=one.keep).logits
        return logits[one.rows, one.columns].float()

    def save(self, random_states: dict[str, torch.Tensor] | None = None) -> None:
        """Saves a checkpoint of the steps that are done."""
        tensors = {f"weight/{name}": value.detach() for name, value in self.parameters.items()}
        for name, value in self.parameters.items():
            for key, moment in self.optimizer.state.get(value, {}).items():
                tensors[f"optimizer/{key}/{name}"] = moment
        tensors |= random_states or self._random_states()
        save_checkpoint(self.checkpoints, self.fingerprint, Checkpoint(self.step, tensors, self.progress))

    def _resume(self) -> None:
        found = load_checkpoint(self.checkpoints, self.fingerprint, self.kept.has_up_to)
        if found is None:
            return
        self.step, self.progress = found.step, found.progress
        with torch.no_grad():
            for name, value in self.parameters.items():
                value.copy_(found.tensors[f"weight/{name}"])
        for stored, tensor in found.tensors.items():
            if stored.startswith("optimizer/"):
                _, key, name = stored.split("/", 2)
                place = "cpu" if key == "step" else self.device.type
                self.optimizer.state[self.parameters[name]][key] = tensor.to(place)
        torch.set_rng_state(found.tensors["random/cpu"])
        if self.device.type == "cuda" and "random/cuda" in found.tensors:
            torch.cuda.set_rng_state(found.tensors["random/cuda"])
        print(f"resumed at step {self.step} of {self.steps}", flush=True)

    def _random_states(self) -> dict[str, torch.Tensor]:
        states = {"random/cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["random/cuda"] = torch.cuda.get_rng_state()
        return states

    def adapter(self) -> dict[str, torch.Tensor]:
        """The adapter under PEFT's names."""
        state = get_peft_model_state_dict(self.model)
        return {name: value.detach().float().cpu().contiguous() for name, value in state.items()}


def _moved(one: Pass, device: str) -> Pass:
    return Pass(
        inputs={name: value.to(device) for name, value in one.inputs.items()},
        keep=one.keep.to(device),
        rows=one.rows.to(device),
        columns=one.columns.to(device),
        targets=one.targets.to(device),
        example=one.example.to(device),
        tokens=one.tokens,
    )
