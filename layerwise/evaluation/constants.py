"""Which rows each fitted constant saw: what the preparation says, and what can be worked out."""

import numpy as np

from layerwise.data import cells
from layerwise.data.encoding import MISSING, Encoding
from layerwise.data.preparation import Preparation
from layerwise.data.source import Source, counted
from layerwise.data.split import Split

MOST_ROWS = 1_000_000  # up to which the means are worked out again
CLOSE = 1e-6  # deviations
CENTRES = {  # what becomes 0, by how the numbers are scaled
    "standard": np.mean,
    "unit": np.min,
    "signs": lambda values: (values.min() + values.max()) / 2,
    "states": lambda values: 0.0,
    "imagenet": np.mean,  # of images alone, which have no columns
    "centred": np.mean,
}


def check(source: Source, split: Split, preparation: Preparation) -> dict:
    """Give the certificate's entry on the fitted constants.

    Each must say that it saw the training rows and no others; for tables of at most 1,000,000
    rows the means and categories are also worked out again from the training rows. The tokens of
    an earlier run are named with the rows that they saw.

    returns : {"name", "passed", "text", "rows", "columns", "constants": [{"constant", "split",
        "rows"}]}
    """
    content, training = preparation.to_json(), split.rows("train")
    constants = _declared(content)
    wrong = [
        each["constant"]
        for each in constants
        if each["split"] != "train" or each["rows"] != len(training)
    ]
    again = source.inputs is None and not source.form and len(source.frame) <= MOST_ROWS
    if again:
        wrong += _other_means(source, training, preparation, content)
        wrong += [
            encoding.name
            for encoding in preparation.encodings
            if encoding.kind == "category" and _unseen(source, training, encoding)
        ]
    wrong = list(dict.fromkeys(wrong))
    number = f"{counted(len(constants), 'set')} of fitted constants"
    if wrong:
        text = (
            f"Of {number}, {len(wrong)} did not come from the {len(training):,} training rows "
            f"alone: {', '.join(wrong[:10])}. Fit the preparation on the training rows."
        )
    else:
        text = f"All {number} come from the {len(training):,} training rows and no others"
        text += ": their means and categories were worked out again." if again else "."
    text += _taken_in_words(content)
    return {
        "name": "Fitted constants",
        "passed": not wrong,
        "text": text,
        "rows": [],
        "columns": wrong[:10],
        "constants": [*constants, *_taken(content)],
    }


def _taken(content: dict) -> list[dict]:
    """Give the constants that an earlier run learned, with the rows that it learned them from."""
    earlier = content.get("tokens_from")
    if earlier is None:
        return []
    split = f"train of run {earlier['run']}"
    return [{"constant": "inputs: tokens", "split": split, "rows": earlier["rows"]}]


def _taken_in_words(content: dict) -> str:
    earlier = content.get("tokens_from")
    if earlier is None:
        return ""
    rows = counted(earlier["rows"], "training row")
    return (
        f" The tokens are those that run {earlier['run']} learned from {rows} of its own; whether "
        "held-out rows are among the rows of earlier runs stands under 'Rows of an earlier run'."
    )


def _declared(content: dict) -> list[dict]:
    """Give each set of constants with the split and the rows that it saw."""
    found = []
    if content["inputs"]["form"] != "table":
        what = content["inputs"].get("constants", "mean and deviation")
        found.append({"constant": f"inputs: {what}"} | _seen(content["inputs"]))
    for entry in content["columns"]:
        if entry.get("fitted"):
            what = "categories" if entry["categories"] else "mean, deviation, median, range"
            found.append({"constant": f"{entry['name']}: {what}"} | _seen(entry))
    if content["target"].get("fitted") and content["target"]["kind"] in (
        "real",
        "binary",
        "classes",
    ):
        real = content["target"]["kind"] == "real"
        what = "mean and deviation" if real else "rows per class"
        found.append({"constant": f"target: {what}"} | _seen(content["target"]))
    return found


def _seen(entry: dict) -> dict:
    return {name: entry["fitted"][name] for name in ("split", "rows")}


def _other_means(
    source: Source, training: np.ndarray, preparation: Preparation, content: dict
) -> list[str]:
    """Give the columns whose centre over the training rows is not the fitted one."""
    centre = CENTRES[content["inputs"].get("inputs_as", "standard")]
    entries = {entry["name"]: entry["constants"] for entry in content["columns"]}
    found = []
    for encoding in preparation.encodings:
        if encoding.kind == "category":
            continue
        arrays = encoding.numbers(cells.column(source.frame, encoding.name))
        for feature, values in zip(encoding.features, arrays, strict=True):
            fitted = entries[encoding.name][feature]
            known = values[training].astype(np.float64)
            known = known[np.isfinite(known) & (np.abs(known) < 1e150)]
            if len(known) and abs(centre(known) - fitted["mean"]) > CLOSE * fitted["scale"]:
                found.append(encoding.name)
    return found


def _unseen(source: Source, training: np.ndarray, encoding: Encoding) -> bool:
    """Whether the encoding knows a category that no training row has."""
    series = cells.column(source.frame, encoding.name).iloc[training]
    return bool(set(encoding.categories) - {MISSING} - set(cells.labels(series)[1]))
