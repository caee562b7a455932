"""What ails a training, with the numbers that show it and the next command to try."""

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np

from layerwise.evaluation.course import Course, losses_of

GAP = 0.05  # by which training rows may score better than validation rows: share of the top, ...
RATIO = 1.3  # ... and of errors, as a factor
WEAK = {"classes": 0.9, "amounts": 0.7}  # accuracy, R2 on training rows below which it is weak
JUMP = 1.2  # factor by which the loss may rise from one epoch to the next, ...
HIGH = 0.05  # ... unless it stays below this share of the first epoch's loss
OFTEN = 0.1  # share of epochs that may do so
LATE = 0.2  # last share of the epochs in which a trained network gains nothing more
STILL = 0.1  # share of all that was gained
FEW_ROWS = 100  # validation rows below which their choice of the weights is mostly luck
DEAD = 0.3  # share of dead units that is worth a word


def diagnose(
    journal: Sequence[Mapping[str, Any]],
    results: Mapping[str, Any],
    plan: Mapping[str, Any],
    *,
    dead: Mapping[str, tuple[int, int]] | None = None,
) -> list[dict[str, str]]:
    """Give what is amiss with a training, gravest first; empty where nothing stands out.

    Advice rests on training and validation rows only: whatever ``results`` say of test rows is
    not read, so that following it does not wear the test rows out.

    Parameters
    ----------
    journal : list of dict
        The lines of journal.jsonl.
    results : dict
        results.json; of it the scores of training and validation rows.
    plan : dict
        plan.json: metric, recipe, network, target, splits.
    dead : dict
        Layer -> (dead units, units), from ``dead_units``.

    Returns
    -------
    list of dict
        "finding" (a few words), "evidence" (a sentence with numbers), "next" (a sentence that
        names flags of ``layerwise fit``).
    """
    course = Course(journal, results, plan)
    if course.diverged is not None:
        return [_diverged(course)]
    found = [
        _unstable(course),
        _overfit(course),
        _worsening(course),
        _underfit(course),
        _still_improving(course),
        _dead(dead or {}),
        _few_rows(course),
    ]
    return [finding for finding in found if finding is not None]


def _finding(finding: str, evidence: str, following: str) -> dict[str, str]:
    return {"finding": finding, "evidence": evidence, "next": following}


def _diverged(course: Course) -> dict[str, str]:
    assert course.diverged is not None
    following = f"Try {course.rate(0.1)}"
    if not course.recipe.get("clip"):
        following += ", or --clip 1"
    return _finding(
        "It diverged",
        f"The loss was no finite number {_when(course.diverged)}.",
        f"{following}. If that does not help, look for extreme values in the inputs.",
    )


def _when(line: Mapping[str, Any]) -> str:
    """Say when it diverged: in or soon after the last line of the journal."""
    if not line:
        return "within the first epoch"
    after = "at" if not all(map(isfinite, losses_of(line))) else "soon after"
    return f"{after} epoch {line.get('epoch')}, step {line.get('step')}"


def _unstable(course: Course) -> dict[str, str] | None:
    """The loss rises sharply again and again, or ends far above its lowest value."""
    loss = course.loss[np.isfinite(course.loss)]
    if len(loss) < 4 or loss.min() < 0:
        return None
    jumps = int(((loss[1:] > JUMP * loss[:-1]) & (loss[1:] > HIGH * loss[0])).sum())
    high = loss[-1] > 2 * loss.min() and loss[-1] > 0.1 * loss[0]
    never = loss.min() > loss[0] * 0.98 and loss.max() > JUMP * loss[0]
    if jumps < max(2, OFTEN * len(loss)) and not high and not never:
        return None
    evidence = (
        f"The training loss rose by more than {100 * (JUMP - 1):.0f} % from one epoch to the next "
        f"in {jumps} of {len(loss) - 1} epochs; lowest {loss.min():.3g}, last {loss[-1]:.3g}."
    )
    return _finding(
        "The learning rate is unstable",
        evidence,
        f"Try {course.rate(0.3)}, or --clip 1, or --schedule cosine.",
    )


def _overfit(course: Course) -> dict[str, str] | None:
    """The kept weights score much better on training rows than on validation rows."""
    both = course.pair(course.metric)
    if both is None or course.same_rows:
        return None
    train, validation = both
    if course.top is not None:
        limit = max(GAP * course.top, 2 * course.deviation(validation))
        too_far = train - validation > limit
    elif course.higher:
        too_far = train - validation > (RATIO - 1) * abs(train)
    else:
        noise = 1 + 2 / sqrt(2 * course.rows) if course.rows else 1
        too_far = validation > max(RATIO, noise) * max(train, 0) and validation > 0
    if not too_far:
        return None
    return _finding(
        "It overfits",
        f"{_spoken(course.metric)} is {train:.4g} on the training rows and {validation:.4g} on "
        "the validation rows: part of what it learned holds for the training rows only.",
        f"Try {advice_to_regularize(course)}. More rows help most.",
    )


def _worsening(course: Course) -> dict[str, str] | None:
    """Validation got worse after the best epoch, by more than its own unrest."""
    gains = course.gains
    if len(gains) < 6 or course.same_rows:
        return None
    best = int(gains.argmax())
    after = gains[best + 1 :]
    if len(after) < 3:
        return None
    unrest = float(np.median(np.abs(np.diff(gains)))) + course.deviation(abs(float(gains.max())))
    lost = float(gains.max() - np.mean(after[-max(1, len(after) // 3) :]))
    still_learns = course.loss[-1] < course.loss[min(best, len(course.loss) - 1)]
    if lost <= 2 * unrest or not still_learns:
        return None
    return _finding(
        "Validation worsens after the best epoch",
        f"Validation {_name(course.metric)} was best at epoch {best + 1} of {len(gains)} and is "
        f"{lost:.3g} worse in the last epochs, while the training loss went on falling. The "
        "weights of the best epoch were kept.",
        f"Try --epochs {max(best + 1, 1)}, or {advice_to_regularize(course)}.",
    )


def _underfit(course: Course) -> dict[str, str] | None:
    """Weak on the very rows that it learned from, and not for want of rows."""
    amounts = course.kind in ("count", "real")
    name = "r2" if amounts else "accuracy"
    both = course.pair(name) or course.pair("balanced_accuracy")
    weak = WEAK["amounts" if amounts else "classes"]
    if both is None or both[0] >= weak:
        return None
    train, validation = both
    if train - validation > max(GAP, 2 * course.deviation(validation)):
        return None
    return _finding(
        "It may underfit",
        f"{_spoken(name)} is only {train:.3g} on the training rows themselves, and "
        f"{validation:.3g} on the validation rows. Either the network is too small or was "
        "trained too little, or the inputs do not say more.",
        f"Try {advice_to_enlarge(course)}, or --epochs {2 * course.planned}. If a network of twice "
        "the size gets no further, other inputs are needed.",
    )


def _still_improving(course: Course) -> dict[str, str] | None:
    """The last fifth of the epochs brought a good part of all that was gained."""
    gains, planned = course.gains, course.planned
    if len(gains) < 5 or len(course.lines) < planned:
        return None
    late = max(1, round(LATE * len(gains)))
    before = float(np.maximum.accumulate(gains)[-late - 1])
    gained, total = float(gains.max()) - before, float(gains.max() - gains[0])
    noise = course.deviation(abs(float(gains.max()))) / 2
    if int(gains.argmax()) < len(gains) - late or gained <= max(STILL * total, noise):
        return None
    return _finding(
        "It was still improving at the end",
        f"The last {late} of {len(gains)} epochs brought {100 * gained / total:.0f} % of all that "
        f"validation {_name(course.metric)} gained.",
        f"Try --epochs {2 * planned}.",
    )


def _dead(dead: Mapping[str, tuple[int, int]]) -> dict[str, str] | None:
    silent, units = sum(each[0] for each in dead.values()), sum(each[1] for each in dead.values())
    if not units or silent < DEAD * units:
        return None
    layers = ", ".join(f"{name} {some} of {of}" for name, (some, of) in dead.items() if some)
    return _finding(
        "Many units are dead",
        f"{silent} of {units} units give zero on every validation row ({layers}): no gradient "
        "reaches their weights.",
        "Try --network.activation leaky_relu, a smaller --learning-rate, or --network.batch_norm "
        "true.",
    )


def _few_rows(course: Course) -> dict[str, str] | None:
    """Validation rows choose the weights; few of them choose by luck."""
    if course.same_rows or course.rows is None or len(course.lines) < 2:
        return None
    if course.rows == 0:
        return _finding(
            "Nothing chose the weights",
            "There are no validation rows: the weights of the last epoch were kept.",
            "Try --validation-fraction 0.15.",
        )
    if course.rows >= FEW_ROWS:
        return None
    top = float(course.gains.max()) if len(course.gains) else float("nan")
    error = course.deviation(abs(top))
    near = int((course.gains >= top - error).sum()) if error and len(course.gains) else 0
    said = f"Only {course.rows} validation rows chose among {len(course.lines)} epochs"
    if near > 1:
        said += f"; {near} of these lie within one standard error ({error:.2g}) of the best"
    return _finding(
        "Too few validation rows to choose well",
        f"{said}.",
        "Try --validation-fraction 0.25, or compare runs over several --seed.",
    )


def advice_to_regularize(course: Course) -> str:
    """Flags against overfitting of such a network."""
    options = course.network.get("options") or {}
    if course.network.get("name") == "mlp":
        dropout = options.get("dropout") or 0.0
        return f"--network.dropout {min(0.5, dropout + 0.2):g}, or --l2 0.001"
    if course.of_images and not course.augmented:
        return "--augment auto, --l2 0.001, or a smaller network"
    return "--l2 0.001, or a smaller network"


def advice_to_enlarge(course: Course) -> str:
    """Flags for a network that can do more."""
    options = course.network.get("options") or {}
    if course.of_images:
        return "a larger network, such as --network resnet20"
    if course.network.get("name") != "mlp":
        return "a larger network, such as --network mlp"
    hidden = options.get("hidden") or (128, 128)
    hidden = [hidden] if isinstance(hidden, int) else list(hidden)
    wider = ",".join(str(max(16, 2 * units)) for units in hidden)
    return f"--network.hidden {wider}"


def _name(metric: str) -> str:
    return metric.replace("_", " ")


def _spoken(metric: str) -> str:
    """The metric at the start of a sentence."""
    return _name(metric)[:1].upper() + _name(metric)[1:]
