"""Metrics of language models: how surprising a text is, by its characters."""

from __future__ import annotations

from math import log

import numpy as np

from layerwise.metrics.formulas import mean_error, own_numbers
from layerwise.metrics.predictions import Predictions


def nats_per_character(predictions: Predictions) -> float:
    """Give minus the log of the chance of the text over its characters; rows weigh by theirs."""
    return mean_error(predictions)


def bits_per_character(predictions: Predictions) -> float:
    """Give the same to the base 2: the bits that a perfect coder would need per character."""
    return mean_error(predictions) / log(2)


def bits_of_rows(predictions: Predictions) -> np.ndarray:
    """Give the bits per character of each row; (rows, 1)."""
    return own_numbers(predictions) / log(2)


def character_perplexity(predictions: Predictions) -> float:
    """Give exp(nats per character): among so many equal chances a character is as uncertain."""
    return float(np.exp(mean_error(predictions)))
