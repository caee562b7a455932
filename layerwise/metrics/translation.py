"""chrF and BLEU of texts against their references, from counts that are taken once per row.

A bootstrap resample is then a weighted sum of these counts and the formula, no new counting.
"""

from collections import Counter

import numpy as np

from layerwise.errors import SettingsError
from layerwise.metrics.predictions import Predictions

CHARACTERS = 6  # longest n-gram of characters in chrF
RECALL = 2.0  # how many times as much as precision recall counts in chrF
WORDS = 4  # longest n-gram of words in BLEU


def chrf(predictions: Predictions) -> float:
    """Give chrF, 0 to 100: the F score of n-grams of characters over all rows together.

    Source: Popovic 2015, "chrF: character n-gram F-score for automatic MT evaluation", with
    recall counting twice (chrF2) and orders 1 to 6, without spaces, as sacrebleu has it.
    """
    counts = predictions.weights @ predictions.once(chrf_counts)
    said, true, same = counts.reshape(CHARACTERS, 3).T
    known = (said > 0) & (true > 0)
    if not known.any():
        return 0.0
    precision, recall = (same[known] / said[known]).mean(), (same[known] / true[known]).mean()
    below = RECALL**2 * precision + recall
    return float(100 * (1 + RECALL**2) * precision * recall / below) if below > 0 else 0.0


def bleu(predictions: Predictions) -> float:
    """Give BLEU, 0 to 100: the geometric mean of n-gram precisions times the brevity penalty.

    Source: Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation";
    words as the tokenizer 13a has them and zero counts smoothed, sacrebleu's defaults (Post 2018).

    SettingsError: sacrebleu is not installed.
    """
    counts = predictions.weights @ predictions.once(bleu_counts)
    said, true, right, total = counts[0], counts[1], counts[2 : 2 + WORDS], counts[2 + WORDS :]
    if not right.any() or not total.all():
        return 0.0
    halvings = np.cumsum(right == 0)  # the first order without a match counts half of one, ...
    precisions = np.where(right == 0, 0.5**halvings, right) / total
    penalty = min(1.0, np.exp(1 - true / said))
    return float(100 * penalty * np.exp(np.log(precisions).mean()))


def chrf_counts(predictions: Predictions) -> np.ndarray:
    """Give for every order the n-grams said, true, and in both; (rows, 3 x CHARACTERS)."""
    pairs = zip(predictions.scores, predictions.truth, strict=True)
    rows = [_overlaps(said, true) for said, true in pairs]
    return np.array(rows, dtype=np.float64).reshape(len(predictions), 3 * CHARACTERS)


def bleu_counts(predictions: Predictions) -> np.ndarray:
    """Give words said and true, then per order the right and all n-grams; (rows, 2 + 2 WORDS)."""
    judge = _sacrebleu().BLEU(effective_order=True)  # else it warns; the counts are the same
    rows = []
    for said, true in zip(predictions.scores, predictions.truth, strict=True):
        found = judge.sentence_score(said, [true])
        rows.append([found.sys_len, found.ref_len, *found.counts, *found.totals])
    return np.array(rows, dtype=np.float64).reshape(len(predictions), 2 + 2 * WORDS)


def _overlaps(said: str, true: str) -> list[int]:
    """N-grams said, true and common to both, order by order; none said where none is true."""
    said, true = "".join(said.split()), "".join(true.split())
    found = []
    for size in range(1, CHARACTERS + 1):
        one, other = _pieces(said, size), _pieces(true, size)
        # by hand: & of Counters takes twice as long
        common = sum(min(count, other[piece]) for piece, count in one.items() if piece in other)
        number = max(len(true) - size + 1, 0)
        found += [max(len(said) - size + 1, 0) if number else 0, number, common]
    return found


def _pieces(text: str, size: int) -> Counter:
    return Counter([text[place : place + size] for place in range(len(text) - size + 1)])


def _sacrebleu():
    try:
        import sacrebleu.metrics
    except ImportError:
        raise SettingsError(
            "The metric bleu needs sacrebleu: pip install 'layerwise[text]'. "
            "The metric chrf does without."
        ) from None
    return sacrebleu.metrics
