"""The engine: everything that learns, learns here."""

from layerwise.training.loop import augment_seed, check_recipe, train

__all__ = ["augment_seed", "check_recipe", "train"]
