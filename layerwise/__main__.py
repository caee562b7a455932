"""``python -m layerwise``, which torchrun needs."""

import os
import sys

from layerwise.cli import main

if __name__ == "__main__":
    code = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # else help need not wait for torch
        from layerwise.scaling.processes import exit_at_once

        exit_at_once(code)
    sys.exit(code)
