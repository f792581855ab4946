"""SIGTERM: SageMaker sends it before it takes a spot instance or stops a job, and kills two minutes later."""

import signal
from types import FrameType


class Interrupted(Exception):
    """The job was told to end before it was done; its checkpoint is saved."""


class InterruptionWatch:
    """Remembers that the process was told to end. Asked between passes, it needs no more than one of them to react."""

    def __init__(self) -> None:
        self.told = False
        signal.signal(signal.SIGTERM, self._tell)

    def _tell(self, _signal: int, _frame: FrameType | None) -> None:
        self.told = True
