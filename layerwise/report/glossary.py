"""The words of the report in plain English: names of metrics, and a fold-out glossary."""

from __future__ import annotations

from collections.abc import Iterable

from layerwise.metrics import METRICS

LABELS = {  # where the name with spaces is not what people write
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "f1": "F1",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "R²",
    "brier": "Brier score",
    "dice": "Dice",
    "iou": "IoU",
    "image_dice": "Dice per image",
    "chrf": "chrF",
    "bleu": "BLEU",
    "poisson_deviance": "Poisson deviance",
    "accuracy_decided": "accuracy where it decides",
    "mase": "MASE",
    "scaled_mse": "mean squared error, standardized",
    "pinball": "pinball loss",
    "interval_coverage": "coverage of the interval",
}

METRIC_WORDS = {
    "nats_per_character": (
        "How surprised it is by each character of the text, in nats: minus the log of the chance "
        "it gave, ends of lines counted as characters; 0 is certain and right. Models with other "
        "tokens can be compared by it."
    ),
    "bits_per_character": (
        "The same in bits: so many a perfect coder would need per character with its chances."
    ),
    "character_perplexity": (
        "It is as uncertain about the next character as among so many that are alike likely; per "
        "character, not per token."
    ),
    "win_fraction": "The share of games that it won. A draw is no win. 1 is perfect.",
    "accuracy": "The share of rows whose answer is right. 1 is perfect.",
    "balanced_accuracy": (
        "The share found of each class, averaged over the classes, so that a rare class counts "
        "as much as a common one."
    ),
    "precision": "Of the rows it calls positive, the share that is. Several classes: the mean.",
    "recall": "Of the rows that are positive, the share it finds. Several classes: the mean.",
    "f1": "One number for precision and recall (their harmonic mean): high only if both are.",
    "exact_match": "The share of rows on which every label is right.",
    "roc_auc": (
        "The chance that a positive row gets a higher score than a negative one: 0.5 is guessing, "
        "1 is a perfect order."
    ),
    "pr_auc": (
        "The precision averaged over all thresholds. Guessing gives the share of positive rows, "
        "so it is the stricter number where these are rare."
    ),
    "log_loss": (
        "How surprised the network is by the truth, in nats; 0 is certain and right. Being sure "
        "and wrong costs most."
    ),
    "brier": "The mean squared difference between its probabilities and what happened; 0 is best.",
    "calibration_error": (
        "How far its probabilities are from frequencies: with 0, what it calls 80 % likely "
        "happens 80 times in 100."
    ),
    "mae": "How far a prediction is from the truth on average, in the unit of the target.",
    "rmse": (
        "Like the mean absolute error, in the unit of the target, but large errors count more."
    ),
    "r2": (
        "The share of the target's variation that is explained: 1 is perfect, 0 is no better than "
        "always saying the mean, and it can be negative."
    ),
    "mase": (
        "The mean absolute error over that of saying the value before, in training: below 1 is "
        "better than that, though it is asked for one time ahead only."
    ),
    "scaled_mse": (
        "The mean squared error where each target is measured in its deviation in training: 1 is "
        "about the error of always saying the mean."
    ),
    "bias": (
        "How far the mean over all judged rows and cells is off, in the unit of the target; 0 is "
        "best. The map of the mean error shows where."
    ),
    "pattern_correlation": (
        "How alike said and true fields are in their pattern: their correlation over the cells, by "
        "area, averaged over the rows. 1 is the same pattern, whatever its level and strength."
    ),
    "pinball": "The error of the quantiles, in the unit of the target; 0 is best.",
    "interval_coverage": (
        "How often the truth lies between the lowest and the highest quantile: with 0.1 and 0.9 "
        "it should be 0.8, neither less nor more."
    ),
    "poisson_deviance": "How far predicted rates are from the counts that were seen; 0 is best.",
    "dice": (
        "How well what was said covers what is true: twice the pixels that are both, over those of "
        "the one plus those of the other, all images together. 1 is the same, 0 is nothing in "
        "common. Of two classes it is that of the second; of more, the mean over all."
    ),
    "iou": (
        "Intersection over union: the pixels that are both said and true, over those that are "
        "either. It tells the same as Dice on a harder scale: IoU = Dice / (2 - Dice)."
    ),
    "pixel_accuracy": (
        "The share of pixels whose class is right. Where most pixels are background, saying "
        "background everywhere scores high."
    ),
    "image_dice": (
        "The Dice of each image, averaged over images, so that an image with little in it counts "
        "as much as a full one; 1 for an image in which nothing is there and nothing was said."
    ),
    "chrf": (
        "How many short sequences of characters (1 to 6) a translation shares with its reference, "
        "0 to 100; finding the reference's counts twice as much as saying no others. Parts of "
        "words count, so a wrong ending costs less than a wrong word."
    ),
    "bleu": (
        "How many sequences of one to four words of the translations stand in their references, "
        "0 to 100; translations that are shorter in all than the references are punished. Other "
        "good translations than the reference are not known to it."
    ),
    "coverage": "The share of rows on which it decides instead of abstaining.",
    "accuracy_decided": "The share of right answers among the rows on which it decides.",
}

TERMS = {
    "95 % interval": (
        "The number was measured on a limited number of rows; with other rows of the same kind it "
        "would come out a little different. About 95 of 100 such intervals hold the value that "
        "endless rows would give. It is worked out from the number of right answers (Wilson), or "
        "found by drawing the rows again, with repeats, a thousand times (bootstrap)."
    ),
    "Equivalent": (
        "The whole interval of a difference lies within a margin that does not matter. That is "
        "more than not finding a difference: few rows find none."
    ),
    "Leak": (
        "A way by which what is to be judged was known beforehand: a test row that was trained "
        "on, a constant that saw it, a column that holds the answer."
    ),
    "Fingerprint": (
        "A short text that changes when any value of any row does, so that one can tell whether "
        "two runs had the same rows."
    ),
    "Training, validation and test rows": (
        "The network learns from training rows. Validation rows decide when to stop and which "
        "weights to keep. Test rows are looked at once, at the end: only they say how good it is."
    ),
    "Baseline": (
        "A simple method that gets the same rows. A network that does not beat it has not earned "
        "its cost."
    ),
    "Paired difference": (
        "Network minus baseline on the very same rows. Because both meet the same easy and hard "
        "rows, a difference can be clear although the two intervals overlap. If its interval "
        "holds 0, these rows cannot tell the two apart."
    ),
    "Generalization": "Doing well on rows that were not learned from. That is what learning means.",
    "Overfitting": "Doing well on training rows and worse on others: learned by heart.",
    "Loss": "The number that training makes smaller. It stands in for the metric people care for.",
    "Metric": "The number that is reported, computed from the predictions and the truth alone.",
    "Epoch": "One pass over all training rows.",
    "Step": "One change of the weights, after looking at one batch of rows.",
    "Batch": "The rows that are looked at together for one step.",
    "Learning rate": "How far weights move in a step. Too large: it jumps, too small: it creeps.",
    "Optimizer": "The rule that turns gradients into a step, such as AdamW.",
    "Gradient": "The direction in which the loss grows fastest; a step goes the other way.",
    "Early stopping": (
        "Ending the training when the validation metric no longer improves; the best weights are "
        "kept."
    ),
    "Regularization": (
        "Whatever keeps a network from learning by heart: dropout, penalties on large weights, "
        "early stopping."
    ),
    "Layer": "A stage of the network: it takes numbers, mixes them, and passes on new ones.",
    "Hidden layer": "A layer between the inputs and the answer; its units find useful features.",
    "Parameters": "The numbers that are learned: weights and biases.",
    "Multiply-adds": "How many multiplications (each with an addition) one row costs.",
    "Recipe": "How a network is trained: optimizer, schedule, number of epochs, batch size.",
    "Standardization": (
        "Shifting and scaling a column so that its mean is 0 and its spread is 1. The constants "
        "come from training rows only, so that nothing leaks from the test rows."
    ),
    "Seed": "The number that fixes all chance, so that a run can be repeated.",
}

TERMS_OF_CLASSES = {
    "Confusion matrix": (
        "A table of how often each true class (down) was called each class (across). Right answers "
        "stand on the diagonal."
    ),
    "Threshold": "The score from which on a row is called positive.",
    "ROC curve": (
        "For every threshold: the share of positives found against the share of negatives "
        "called positive by mistake. The diagonal is guessing."
    ),
    "Precision-recall curve": (
        "For every threshold: how many of those called positive are, against how many of the "
        "positives are found."
    ),
    "Calibration": "Whether a probability it states is how often it comes true.",
}

TERMS_OF_AMOUNTS = {
    "Residual": "The truth minus the prediction. Good residuals show no pattern.",
}

TERMS_OF_PLANES = {
    "Decision boundary": "The line in the plane where the network's answer changes.",
}


def label(name: str) -> str:
    """A metric's name as people write it: "ROC AUC" for "roc_auc"."""
    return LABELS.get(name, name.replace("_", " "))


def explained(name: str) -> str:
    """What a metric says, in plain words; empty for a person's own without a docstring."""
    if name in METRIC_WORDS:
        return METRIC_WORDS[name]
    return f"{METRICS[name].summary}." if name in METRICS else ""


def glossary(kind: str, metrics: Iterable[str], plane: bool = False) -> dict[str, str]:
    """Terms with their explanations, those that a report on a target of ``kind`` needs."""
    terms = dict(TERMS)
    if kind in ("binary", "classes", "labels"):
        terms |= TERMS_OF_CLASSES
    if kind in ("count", "real"):
        terms |= TERMS_OF_AMOUNTS
    if plane:
        terms |= TERMS_OF_PLANES
    named = {label(name): explained(name) for name in metrics if explained(name)}
    terms |= {name[:1].upper() + name[1:]: text for name, text in named.items()}
    return dict(sorted(terms.items(), key=lambda term: term[0].lower()))
