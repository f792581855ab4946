"""Runs vLLM's server, and ends its whole process group when stdin closes: whoever started it is gone then."""

import os
import runpy
import signal
import sys
import threading


def end_with_parent() -> None:
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__", alter_sys=True)
