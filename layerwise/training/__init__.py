"""The engine: everything that learns, learns here."""

from layerwise.training.loop import check_recipe, train

__all__ = ["check_recipe", "train"]
