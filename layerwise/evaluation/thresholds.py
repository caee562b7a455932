"""Where classes are told apart: thresholds by a stated rule, and chances at another rate."""

from dataclasses import asdict, dataclass

import numpy as np

from layerwise.errors import SettingsError, nearest
from layerwise.metrics import Predictions

RULES = {"cost": 2, "capacity": 1, "recall": 1, "f1": 0, "alarms": 1}  # name -> its numbers
EXAMPLE = (
    "Give cost:MISS,ALARM (cost:10,1), capacity:N (per 100 rows), recall:0.95, f1, "
    "alarms:N (per 1,000 rows) or a number."
)


@dataclass(frozen=True)
class Rule:
    """How a threshold is chosen: a name of ``RULES``, or "number", which is itself."""

    name: str
    numbers: tuple[float, ...]

    def __str__(self) -> str:
        numbers = ",".join(f"{number:g}" for number in self.numbers)
        if self.name == "number":
            return numbers
        return f"{self.name}:{numbers}" if self.numbers else self.name


@dataclass(frozen=True)
class Threshold:
    """A row is called positive from this chance on.

    rows : validation rows that chose it; 0 where none did
    text : the rule and what it gave on those rows, in words
    """

    value: float
    rule: str
    rows: int
    text: str

    def to_json(self) -> dict:
        """Give it as JSON values."""
        return asdict(self)


def read_rule(text: str | float) -> Rule:
    """Give the rule that a text such as "cost:10,1" means; SettingsError where it means none."""
    name, colon, numbers = str(text).partition(":")
    if not colon and RULES.get(name) != 0:
        name, numbers = "number", name
    if colon and name not in RULES:
        raise SettingsError(f"There is no --threshold '{text}'.{nearest(name, RULES)} {EXAMPLE}")
    try:
        found = tuple(float(number) for number in numbers.split(",") if colon or numbers)
    except ValueError:
        raise SettingsError(
            f"--threshold must be a rule or a number, got '{text}'. {EXAMPLE}"
        ) from None
    if not _fits(name, found):
        raise SettingsError(f"--threshold '{text}' cannot be: {_must(name)}. {EXAMPLE}")
    return Rule(name, found)


def choose_threshold(rule: Rule, predictions: Predictions) -> Threshold:
    """Give the threshold that a rule finds on validation rows of a binary target.

    cost: the least sum of weights times costs; of equal ones that nearest to
    ALARM / (MISS + ALARM), which is right for true chances (Elkan 2001, "The foundations of
    cost-sensitive learning"). capacity: the lowest at which no more are called positive.
    recall: the highest that finds that share of the positives. f1: the best F1; of equal ones the
    highest. alarms: as capacity, per 1,000 rows, and rows of one class will do. Candidates lie
    midway between two scores that occur. SettingsError: there are no such rows, or, but for
    alarms, not of both classes.
    """
    assert predictions.kind == "binary"
    if rule.name == "number":
        return Threshold(rule.numbers[0], str(rule), 0, f"Threshold {rule.numbers[0]:g}, as asked.")
    _require_rows(rule, predictions)
    candidates, found, alarms = _counts(predictions)
    place = _best(rule, candidates, found, alarms)
    value = float(candidates[place])
    return Threshold(value, str(rule), len(predictions), _words(rule, value, found, alarms, place))


def prior_factors(class_weights, share: float, prevalence: float | None) -> tuple[float, ...]:
    """Give what the chances of the classes are multiplied by (and then made to sum to 1).

    Weights in the loss act as if the classes were that much more frequent: they are divided out.
    A share of positives of ``prevalence`` instead of the training rows' ``share`` (weighted)
    changes the odds by the ratio of the odds (Saerens et al. 2002, "Adjusting the outputs of a
    classifier to new a priori probabilities", eq. 4).
    """
    factors = tuple(1 / weight for weight in class_weights or (1.0, 1.0))
    if prevalence is None:
        return factors
    return factors[0] * (1 - prevalence) / (1 - share), factors[1] * prevalence / share


def decided_at(class_weights) -> tuple[float, ...]:
    """Give the threshold of each class at which a loss with these weights decides.

    Said is the class whose chance is the most times its threshold: that with the largest weight
    times chance, as before the weights were divided out. The thresholds are as 1 / weight and sum
    to 1; of two classes the positive one is said from its threshold on.
    """
    inverse = [1 / weight for weight in class_weights]
    return tuple(each / sum(inverse) for each in inverse)


def shifted(chances, factors):
    """Give (rows, classes) chances times the factors of their classes, summing to 1 again."""
    weighted = chances * factors
    return weighted / weighted.sum(axis=1).reshape(-1, 1)


def at_prevalence(
    truth: np.ndarray, weight: np.ndarray | None, prevalence: float
) -> np.ndarray | None:
    """Give weights (rows,) with which a share ``prevalence`` of all is positive, the sum kept.

    truth : (rows,) 0 or 1, negative where it is not known, which leaves the weight as it is.
    Rows of one class only keep their weights.
    """
    weights = np.ones(len(truth)) if weight is None else np.asarray(weight, float)
    positive, negative = weights[truth == 1].sum(), weights[truth == 0].sum()
    if positive <= 0 or negative <= 0:
        return weight
    total = positive + negative
    of_class = np.array([(1 - prevalence) * total / negative, prevalence * total / positive, 1.0])
    return weights * of_class[truth]


def _require_rows(rule: Rule, predictions: Predictions) -> None:
    """Refuse rows that cannot choose: of both classes, or any for a budget of alarms."""
    positive, weights = predictions.truth == 1, predictions.weights
    needed = (
        (weights.sum(),)
        if rule.name == "alarms"
        else (weights[positive].sum(), weights[~positive].sum())
    )
    if not len(predictions) or min(needed) <= 0:
        which = "" if rule.name == "alarms" else " of both classes"
        raise SettingsError(
            f"--threshold {rule} is chosen on validation rows{which}, and there are none. "
            "Give a larger --validation-fraction, or a number as --threshold."
        )


def _fits(name: str, numbers: tuple[float, ...]) -> bool:
    if len(numbers) != RULES.get(name, 1) or not np.isfinite(numbers).all():
        return False
    if name == "cost":
        return min(numbers) >= 0 and sum(numbers) > 0
    return not numbers or 0 < numbers[0] <= {"capacity": 100, "alarms": 1000}.get(name, 1)


def _must(name: str) -> str:
    return {
        "cost": "it takes two costs that are not negative, of a missed positive and of an alarm",
        "capacity": "it takes a number above 0 and up to 100, of positives per 100 rows",
        "recall": "it takes a share above 0 and up to 1",
        "f1": "it takes no number",
        "alarms": "it takes a number above 0 and up to 1000, of alarms per 1,000 rows",
        "number": "it is a chance above 0 and up to 1",
    }[name]


def _counts(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give rising thresholds and the weight of positives and negatives at or above each.

    The first threshold calls all rows positive, the last none.
    """
    scores, places = np.unique(predictions.scores[:, 1], return_inverse=True)
    middles = np.maximum((scores[1:] + scores[:-1]) / 2, np.nextafter(scores[:-1], 2))
    candidates = np.concatenate(([scores[0] / 2], middles, [np.nextafter(scores[-1], 2)]))
    sums = []
    for code in (1, 0):
        of_class = np.where(predictions.truth == code, predictions.weights, 0.0)
        each = np.bincount(places.reshape(-1), of_class, len(scores))
        sums.append(np.append(np.cumsum(each[::-1])[::-1], 0.0))
    return candidates, sums[0], sums[1]


def _best(rule: Rule, candidates: np.ndarray, found: np.ndarray, alarms: np.ndarray) -> int:
    if rule.name == "cost":
        miss, alarm = rule.numbers
        costs = miss * (found[0] - found) + alarm * alarms
        least = np.flatnonzero(np.isclose(costs, costs.min(), rtol=1e-12, atol=1e-12))
        return int(least[np.argmin(np.abs(candidates[least] - alarm / (miss + alarm)))])
    if rule.name in ("capacity", "alarms"):
        most = rule.numbers[0] / (100 if rule.name == "capacity" else 1000)
        share = (found + alarms) / (found[0] + alarms[0])
        return int(np.flatnonzero(share <= most + 1e-12)[0])
    if rule.name == "f1":
        both = found[0] + found + alarms  # the true ones and those called so
        scores = np.divide(2 * found, both, out=np.zeros(len(both)), where=both > 0)
        return int(np.flatnonzero(scores >= scores.max() - 1e-12)[-1])
    return int(np.flatnonzero(found >= rule.numbers[0] * found[0] * (1 - 1e-12))[-1])


def _words(rule: Rule, value: float, found: np.ndarray, alarms: np.ndarray, place: int) -> str:
    if rule.name == "alarms":
        return _words_of_alarms(rule, value, found, alarms, place)
    called = found[place] + alarms[place]
    right = f"{100 * found[place] / called:.3g} % of those that it calls so" if called else "none"
    meaning = {
        "cost": "least cost, a miss {0:g} and an alarm {1:g}",
        "capacity": "at most {0:g} of 100 rows called positive",
        "recall": "at least {0:g} of the positives found",
        "f1": "the best F1",
    }[rule.name].format(*rule.numbers)
    return (
        f"Threshold {value:.4g}: {meaning}, on the validation rows, where it finds "
        f"{100 * found[place] / found[0]:.3g} % of the positives and is right about {right}."
    )


def _words_of_alarms(
    rule: Rule, value: float, found: np.ndarray, alarms: np.ndarray, place: int
) -> str:
    """Say how many alarms there are, and, where positives are known, how many are right."""
    called, total = found[place] + alarms[place], found[0] + alarms[0]
    text = (
        f"Threshold {value:.4g}: at most {rule.numbers[0]:g} alarms per 1,000 rows; on the "
        f"validation rows it raises {1000 * called / total:.3g} per 1,000"
    )
    if not found[0] or not called:
        return f"{text}."
    return (
        f"{text}, of which {100 * found[place] / called:.3g} % are right, and finds "
        f"{100 * found[place] / found[0]:.3g} % of the positives."
    )
