"""The engine: everything that learns, learns here."""

from layerwise.training.loop import train

__all__ = ["train"]
