"""What SageMaker runs as the container's entry point. Settings come from files, so arguments are not read."""

import os
import sys

if __name__ == "__main__":
    # Threads that wait for work by spinning would take a small machine's processor from everything else on it, and
    # from each other. Read by torch when it is loaded, so this comes before the imports.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from tunegate_training.run import run

    sys.exit(run())
