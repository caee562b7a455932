import numpy as np
import pytest
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.errors import DataError
from layerwise.evaluation.intervals import difference, intervals
from layerwise.metrics import METRICS, Predictions, find_metric
from layerwise.metrics.translation import chrf_counts

PAIRS = [  # said, true
    ("A man in a red shirt.", "A man in a red shirt is sitting."),
    ("Two dogs run over the grass", "Two dogs are running on grass."),
    ("", "A woman is reading a book."),
    ("a", "b"),
    ("Hi", "Hi!"),
    ("A boy, 5 years old, plays (alone).", "A 5-year-old boy plays alone."),
    ("the the the the", "the cat"),
    ("Ein Mann schläft.", "Ein Mann schläft in einem grünen Raum."),
    ("people are on a boat", "people are on a boat"),
    ("  spaces   everywhere ", "spaces everywhere"),
    ("A long sentence that shares no word", "zyx wvu tsr qpo nml kji"),
    ("$5.50 & 20% off", "$5.50 and 20 % off"),
]
TEXT = Target("text", ("target",))


def texts(values):
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def predictions(pairs=PAIRS, weight=None):
    said, true = zip(*pairs, strict=True)
    return Predictions("text", (), texts(true), texts(said), weight)


def judged_by_sacrebleu(name, pairs):
    sacrebleu = pytest.importorskip("sacrebleu")
    said, true = zip(*pairs, strict=True)
    judge = {"chrf": sacrebleu.corpus_chrf, "bleu": sacrebleu.corpus_bleu}[name]
    return judge(list(said), [list(true)]).score


@pytest.mark.parametrize("name", ["chrf", "bleu"])
@pytest.mark.parametrize("pairs", [PAIRS, PAIRS[:1], PAIRS[2:4], PAIRS[8:9]])
def test_is_the_score_of_sacrebleu(name, pairs):
    value = METRICS[name].function(predictions(pairs))
    assert value == pytest.approx(judged_by_sacrebleu(name, pairs), abs=1e-9)


@pytest.mark.parametrize("name", ["chrf", "bleu"])
def test_a_weight_is_a_number_of_repeats(name):
    counts = np.random.default_rng(0).integers(0, 4, len(PAIRS))
    repeated = [pair for pair, times in zip(PAIRS, counts, strict=True) for _ in range(times)]
    value = METRICS[name].resampled(predictions(), counts)
    assert value == pytest.approx(judged_by_sacrebleu(name, repeated), abs=1e-9)


def test_chrf_of_two_letters_by_hand():
    # unigrams: 2 said, 3 true, 2 common; bigrams: 1, 2, 1; longer ones are not said
    one = predictions([("ab", "abc")])
    assert chrf_counts(one)[0, :6].tolist() == [2, 3, 2, 1, 2, 1]
    recall = (2 / 3 + 1 / 2) / 2
    assert METRICS["chrf"].function(one) == pytest.approx(100 * 5 * recall / (4 + recall))


@pytest.mark.parametrize("name", ["chrf", "bleu"])
def test_counts_once_for_all_resamples_and_gives_intervals(name):
    if name == "bleu":
        pytest.importorskip("sacrebleu")
    one = predictions()
    score = intervals({name: find_metric(name, "text")}, one, resamples=50)[0]
    assert score.low < score.value < score.high
    worse = Predictions("text", (), one.truth, texts(["x"] * len(one)))
    gain = difference(name, one, worse, resamples=50)
    assert gain.low < gain.value < gain.high
    assert gain.value == score.value - METRICS[name].function(worse)


def test_a_predictions_table_of_texts_is_read_without_rows_that_have_no_truth():
    table = DataFrame(
        {"split": "test", "truth": ["a b", None, "c"], "score": ["a", "b", ""], "fold": 0}
    )
    read = Predictions.from_table(table, TEXT, "test")
    assert read.truth.tolist() == ["a b", "c"]
    assert read.scores.tolist() == ["a", ""]
    assert read.all_scored
    assert read.take([1]).scores.tolist() == [""]


def test_a_missing_translation_leaves_the_score_undefined():
    table = DataFrame({"truth": ["a b", "c"], "score": ["a", None]})
    read = Predictions.from_table(table, TEXT)
    assert not read.all_scored
    assert np.isnan(METRICS["chrf"].function(read))


def test_a_table_without_translations_is_refused():
    with pytest.raises(DataError, match="lacks the column 'score'"):
        Predictions.from_table(DataFrame({"truth": ["a"]}), TEXT)
