"""``python -m layerwise``, which torchrun needs."""

import sys

from layerwise.cli import main

if __name__ == "__main__":
    sys.exit(main())
