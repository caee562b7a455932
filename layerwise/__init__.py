"""Deep learning that a person can trust: data in, a trained, judged, explained network out."""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "Batch": "contracts",
    "Loss": "contracts",
    "Target": "contracts",
    "Stage": "contracts",
    "Recipe": "contracts",
    "Progress": "contracts",
    "Dataset": "contracts",
    "Task": "contracts",
    "Learner": "learner",
    "AnomalyDetector": "detector",
    "Run": "run",
    "LayerwiseError": "errors",
    "DataError": "errors",
    "SettingsError": "errors",
    "RunError": "errors",
}
__all__ = ["__version__", *_HOME]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str):  # so that `import layerwise` and `--help` need no torch
    if name in _HOME:
        return getattr(import_module(f"layerwise.{_HOME[name]}"), name)
    raise AttributeError(f"module 'layerwise' has no attribute '{name}'")
