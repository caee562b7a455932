"""What one input column can do alone: how well it predicts the target, how it follows the rows."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from layerwise.contracts import Target
from layerwise.data import cells
from layerwise.data.preparation import Preparation
from layerwise.data.source import Source

DECIDES = 0.99  # AUC or R2 from which on a column all but decides the target
FOLLOWS = 0.99  # rank correlation with the order of the rows
LEAST_ROWS = 20
BINS = 32
MOST_COLUMNS = 2000
MOST_CLASSES = 50


def input_columns(
    source: Source, preparation: Preparation, rows: np.ndarray
) -> Iterator[tuple[str, bool, np.ndarray]]:
    """Yield (name, whether its values are ordered, (rows,) values) of the inputs of some rows.

    Categories are numbers 1, 2, ... and -1 where missing, amounts float64 with NaN. Of a wide
    array the first 2,000 columns; images have none.
    """
    if preparation.form == "images":
        return
    if source.inputs is not None:
        for place in range(min(source.inputs.shape[1], MOST_COLUMNS)):
            yield f"feature {place + 1}", True, source.inputs[rows, place].astype(np.float64)
        return
    frame = source.frame.iloc[rows]
    for encoding in preparation.encodings:
        series = cells.column(frame, encoding.name)
        if encoding.kind == "category":
            yield encoding.name, False, cells.labels(series)[0].astype(np.float64)
        elif encoding.kind == "date":
            yield encoding.name, True, encoding.numbers(series)[-1].astype(np.float64)
        else:
            yield encoding.name, True, encoding.numbers(series)[0].astype(np.float64)


def decides(
    values: np.ndarray, ordered: bool, truth: np.ndarray, learned: np.ndarray, target: Target
) -> float:
    """Give how well one column alone predicts the target, 0 to 1.

    Classes and labels: the ROC AUC (mean over classes against the rest) of the class shares per
    bin of the column, or of the column itself, whichever is higher. Amounts: R2 of a rising or
    falling curve through the column, or of the means per bin. The smaller of what training
    rows and what validation rows say counts: a few lucky rows decide nothing.

    values : (rows,); truth : (rows,) codes, (rows, labels) or (rows, targets)
    learned : (rows,) True for training rows, False for validation rows
    """
    answers = _columns(truth, target)
    bins = _bins(values, ordered, learned)
    curve = ordered and target.kind in ("count", "real")
    scores = []
    for answer in answers:
        means = _means(bins, answer, learned)
        options = [_both(means, answer, learned, target)]
        if ordered and target.kind not in ("count", "real"):
            options.append(_both(_directed(values, answer, learned), answer, learned, target))
        if curve:
            options.append(_both(_monotone(values, answer, learned), answer, learned, target))
        scores.append(max(options))
    known = [score for score in scores if np.isfinite(score)]
    if not known:
        return 0.0
    return float(np.mean(known)) if target.kind == "classes" else float(max(known))


def follows_rows(values: np.ndarray) -> str:
    """Say how an ordered column counts or follows the rows; empty where it does not.

    values : (rows,) in the order of the source
    """
    if len(values) < LEAST_ROWS or not np.isfinite(values).all():
        return ""
    distinct = np.unique(values)
    if len(distinct) * 2 <= len(values):
        return ""
    whole = bool((distinct == np.round(distinct)).all())
    if whole and len(distinct) == len(values) == distinct[-1] - distinct[0] + 1:
        return "counts the rows"
    steps = np.diff(values)
    if (steps >= 0).all() or (steps <= 0).all():
        return "rises or falls from row to row"
    ranks = np.corrcoef(rankdata(values), np.arange(len(values)))[0, 1]
    return f"follows the order of the rows (rank correlation {ranks:.3f})" * bool(
        abs(ranks) > FOLLOWS
    )


def _columns(truth: np.ndarray, target: Target) -> list[np.ndarray]:
    """Give what is to be predicted: 0 and 1 per class or label, or amounts; each (rows,)."""
    if target.kind == "binary":
        return [(truth == 1).astype(float)]
    if target.kind == "classes":
        common = np.argsort(-np.bincount(truth, minlength=len(target.classes)))[:MOST_CLASSES]
        return [(truth == code).astype(float) for code in common]
    return [column.astype(float) for column in truth.reshape(len(truth), -1).T]


def _bins(values: np.ndarray, ordered: bool, learned: np.ndarray) -> np.ndarray:
    """Give a bin per row: quantiles of the training rows, or each category; the last is missing."""
    if not ordered:
        return np.unique(values, return_inverse=True)[1]
    known = values[learned & np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else []
    bins = np.searchsorted(edges, values, side="right")
    return np.where(np.isfinite(values), bins, len(edges) + 1)


def _means(bins: np.ndarray, answer: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """Give each row the training mean of its bin, leaving itself out, drawn to that of all rows."""
    size = int(bins.max()) + 1
    counts = np.bincount(bins[learned], minlength=size)[bins].astype(float)
    sums = np.bincount(bins[learned], answer[learned], size)[bins]
    counts, sums = counts - learned, sums - answer * learned
    return (sums + answer[learned].mean()) / (counts + 1)


def _directed(values: np.ndarray, answer: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """Give the column itself, turned so that on training rows more means more likely."""
    known = values[learned & np.isfinite(values)]
    filled = np.where(np.isfinite(values), values, known.mean() if len(known) else 0.0)
    return filled if _auc(filled[learned], answer[learned]) >= 0.5 else -filled


def _monotone(values: np.ndarray, answer: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """Give what a rising or falling curve through the training rows says about every row."""
    known = np.isfinite(values)
    fitted = learned & known
    guess = np.full(len(values), answer[learned].mean())
    if fitted.sum() < LEAST_ROWS or _correlation(values[fitted], answer[fitted]) < 0.9:
        return guess
    from sklearn.isotonic import IsotonicRegression  # slow to import

    rising = np.corrcoef(rankdata(values[fitted]), rankdata(answer[fitted]))[0, 1] > 0
    curve = IsotonicRegression(increasing=bool(rising), out_of_bounds="clip")
    curve.fit(values[fitted], answer[fitted])
    guess[known] = curve.predict(values[known])
    return guess


def _correlation(values: np.ndarray, answer: np.ndarray) -> float:
    if np.ptp(values) == 0 or np.ptp(answer) == 0:
        return 0.0
    return abs(float(np.corrcoef(rankdata(values), rankdata(answer))[0, 1]))


def _both(guess: np.ndarray, answer: np.ndarray, learned: np.ndarray, target: Target) -> float:
    """Give the score of the worse of training and validation rows; NaN where undefined."""
    score = _r2 if target.kind in ("count", "real") else _auc
    found = [score(guess[rows], answer[rows]) for rows in (learned, ~learned)]
    return float(np.min(found))  # NaN where one of them is


def _auc(guess: np.ndarray, answer: np.ndarray) -> float:
    positive = int(answer.sum())
    negative = len(answer) - positive
    if min(positive, negative) < 3:
        return np.nan
    ranks = rankdata(guess)[answer == 1].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def _r2(guess: np.ndarray, answer: np.ndarray) -> float:
    spread = ((answer - answer.mean()) ** 2).sum()
    return float(1 - ((guess - answer) ** 2).sum() / spread) if spread > 0 else np.nan
