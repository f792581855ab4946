"""
Metrics as lines that SageMaker reads with regular expressions: lib/core/training/metricDefinitions.ts names them,
and a test holds it against what is printed here.
"""


def print_metrics(step: int, **values: float) -> None:
    """One line: `metric step=20 train_loss=0.31`."""
    pairs = " ".join(f"{name}={_text(value)}" for name, value in values.items())
    print(f"metric step={step} {pairs}", flush=True)


def _text(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"
