"""Where data sets that have a name are kept."""

import os
from pathlib import Path


def data_folder() -> Path:
    """Where data sets are kept: LAYERWISE_DATA, else the user's cache folder."""
    given = os.environ.get("LAYERWISE_DATA")
    if given:
        return Path(given).expanduser()
    import pooch

    return Path(pooch.os_cache("layerwise")) / "data"
