"""Learner: data in, a trained and judged network out; here the rooms are put together."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from pandas import DataFrame, concat, json_normalize
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from layerwise.data import read
from layerwise.data.cells import as_label
from layerwise.data.forms import FORMS
from layerwise.data.graph_files import is_pyg
from layerwise.data.shaping import shaped_like
from layerwise.data.source import Source
from layerwise.errors import RunError, SettingsError
from layerwise.job import ENDINGS, Job, asked, own_chance, run_job
from layerwise.job.attacking import Wanted, attack_run
from layerwise.job.estimate import estimate
from layerwise.job.judging import answers, codes_of, judge_source, predict_rows
from layerwise.job.judging import explain as reasons_of
from layerwise.job.machine import choose_device
from layerwise.job.model import Model, load_model
from layerwise.job.opening import open_test_rows
from layerwise.job.plan import make_plan
from layerwise.job.rows import learns_without_labels, read_source
from layerwise.job.styling import Styling, styled
from layerwise.metrics import Predictions, column_names, find_metric
from layerwise.report.live import Display
from layerwise.run import Run
from layerwise.scaling.processes import ALONE

FEW_ROWS = 100  # of arrays, below which none are kept for validation


def _gives_probabilities(learner: Learner) -> bool:
    """Whether ``predict_proba`` means anything: not for amounts."""
    if hasattr(learner, "model_"):
        return learner.model_.target.kind in ("binary", "classes", "labels")
    return learner.task != "regress"


class Learner(BaseEstimator):
    """A network that learns from a person's data and is judged on rows it never saw.

    Parameters
    ----------
    network : str or class
        A name from ``layerwise zoo``, a class, "my.py:Net", "timm/NAME" (any network of timm), or
        "auto": chosen by the data.
    network_options : dict
        Options of the network, such as ``{"hidden": (64, 64)}``.
    task : str or class
        A name from ``layerwise.tasks``, a class, "my.py:Task", or "auto": chosen by the target.
    task_options : dict
        Options of the task, such as ``{"loss": "focal"}``.
    data_options : dict
        How the source is read, such as ``{"categorical": ["code"], "image_size": 32}``.
    recipe : str
        "modern" (measured default), "historic" (the network's paper, departures listed), or, from
        trained weights, "head" (the output layer alone learns) or "fine_tune" (then the layers
        below it, at a tenth of its rate; ``learning_rate`` may say head=0.01,body=0.001).
    pretrained : bool
        Start from the network's published weights, which ``layerwise fetch NETWORK`` gets first.
    optimizer : str
        sgd, rmsprop, adadelta, adam, adamw, lbfgs or closed_form; unset: the recipe's.
    optimizer_options : dict
        Options that torch's optimizer takes, such as ``{"momentum": 0.9, "nesterov": True}``.
    schedule : str
        constant, step, cosine, one_cycle or plateau; unset: the recipe's.
    schedule_options : dict
        Options of the schedule, such as ``{"warm_up": 0.1}``.
    augment : str or function
        How training images are changed as they are learned, each in its own way; auto: by their
        size, kind and number, never a flip. Validation and test rows stay as they are.
    augment_options : dict
        Options of the augmentation, such as ``{"flip": True, "crop": 4, "mixup": 0.2}``.
    learning_rate : float
        Size of a step; unset: the recipe's.
    epochs : int
        Passes over the training rows; unset: the recipe's.
    steps : int
        Steps in all, in place of epochs; for long texts and the like.
    batch_size : int or "all"
        Rows per step; "all" is batch gradient descent, 1 is stochastic; unset: the recipe's.
    l1 : float
        Weight of the sum of absolute weights; unset: the recipe's.
    l2 : float
        Weight of half the sum of squared weights; unset: the recipe's.
    clip : float
        Largest gradient norm; unset: the recipe's.
    patience : int
        Epochs without a better validation metric before training stops; unset: chosen, 0: never.
    metric : str
        The metric that leads and stops, or "my.py:function"; unset: the task's first.
    validation_fraction : float
        Share of rows that choose the best weights.
    test_fraction : float
        Share of rows that are judged once, at the end.
    split : str
        auto, stratified, random, group or time.
    positive : str
        Which of two classes is the positive one.
    class_weight : str
        "balanced" gives every class the same say in the loss; in Python also a dict of weights.
    abstain_below : float
        Report coverage and accuracy when the network may abstain below this probability.
    repeats : int
        Trainings with different seeds on the same rows: mean and deviation; the first is kept.
    folds : int
        Every row is a test row once, in so many trainings; one more, on all rows, is kept.
    seal_test : bool
        Test rows stay shut: they are judged only by ``layerwise evaluate RUN --open-test``.
    no_rows : bool
        No row, category or extreme value of the data is written into the run.
    threshold : float or str
        Two classes: the chance from which on a row is called positive: a number, or chosen on
        validation rows: cost:MISS,ALARM, capacity:N (positives per 100 rows), recall:0.95, f1
        (the best), alarms:N (a budget, alarms per 1,000 rows).
    prevalence : float
        Two classes: the share of positives in the world, where that of the rows is another.
    baselines : str
        none, fast or all.
    device : str
        auto, cpu, cuda, or another torch device.
    precision : str
        float32, bf16 (autocast) or float64.
    threads : int
        Processor threads; unset: those this process may use.
    reproducible : bool
        Fixes threads to 1 and full precision, so that equal processors give equal bits.
    micro_batches : int
        Pieces of each batch, to save memory; gradients are summed.
    minutes : float
        Time limit of the training; the best weights and a report are there at the end.
    seed : int
        Fixes the split, the weights and the order of the examples.
    verbose : bool
        Say what was decided and how training goes.
    """

    def __init__(
        self,
        network="auto",
        *,
        network_options: dict | None = None,
        task="auto",
        task_options: dict | None = None,
        data_options: dict | None = None,
        recipe: str = "modern",
        pretrained: bool = False,
        optimizer: str | None = None,
        optimizer_options: dict | None = None,
        schedule: str | None = None,
        schedule_options: dict | None = None,
        augment="none",
        augment_options: dict | None = None,
        learning_rate: float | dict | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        batch_size: int | str | None = None,
        l1: float | None = None,
        l2: float | None = None,
        clip: float | None = None,
        patience: int | None = None,
        metric: str | None = None,
        validation_fraction: float = 0.15,
        test_fraction: float = 0.15,
        split: str = "auto",
        positive: str | None = None,
        class_weight: str | None = None,
        abstain_below: float | None = None,
        repeats: int = 1,
        folds: int | None = None,
        seal_test: bool = False,
        no_rows: bool = False,
        threshold: float | str | None = None,
        prevalence: float | None = None,
        baselines: str = "fast",
        device: str = "auto",
        precision: str = "float32",
        threads: int | None = None,
        reproducible: bool = False,
        micro_batches: int = 1,
        minutes: float | None = None,
        seed: int = 0,
        verbose: bool = False,
    ):
        self.network = network
        self.network_options = network_options
        self.task = task
        self.task_options = task_options
        self.data_options = data_options
        self.recipe = recipe
        self.pretrained = pretrained
        self.optimizer = optimizer
        self.optimizer_options = optimizer_options
        self.schedule = schedule
        self.schedule_options = schedule_options
        self.augment = augment
        self.augment_options = augment_options
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.steps = steps
        self.batch_size = batch_size
        self.l1 = l1
        self.l2 = l2
        self.clip = clip
        self.patience = patience
        self.metric = metric
        self.validation_fraction = validation_fraction
        self.test_fraction = test_fraction
        self.split = split
        self.positive = positive
        self.class_weight = class_weight
        self.abstain_below = abstain_below
        self.repeats = repeats
        self.folds = folds
        self.seal_test = seal_test
        self.no_rows = no_rows
        self.threshold = threshold
        self.prevalence = prevalence
        self.baselines = baselines
        self.device = device
        self.precision = precision
        self.threads = threads
        self.reproducible = reproducible
        self.micro_batches = micro_batches
        self.minutes = minutes
        self.seed = seed
        self.verbose = verbose

    def fit(
        self,
        data,
        y=None,
        *,
        target: str | list[str] | None = None,
        validation=None,
        test=None,
        targets=None,
        key: str | None = None,
        group: str | None = None,
        time: str | None = None,
        weight: str | None = None,
        carry: list[str] | None = None,
        ignore: list[str] | None = None,
        from_: str | None = None,
        folder: str | None = None,
    ):
        """Learn from ``data`` and judge the result on rows that were held out.

        Parameters
        ----------
        data : str, path, DataFrame, array or tensor
            A known name, a file, a folder, a glob; or the inputs themselves.
        y : array
            The targets, one per row of ``data``, as scikit-learn gives them. Then the caller keeps
            the test rows, and none are held out.
        target : str or list of str
            The column or columns to be predicted.
        validation : str or path
            A source of its own for the validation rows.
        test : str or path
            A source of its own for the test rows.
        targets : str or path
            A file that holds the targets, joined to the inputs by ``key``.
        key : str
            A column that names each row; it decides the split, so that new rows never move others.
        group : str
            A column whose rows must stay together (patients, stations, runs).
        time : str
            A column by which the past is for training and the future for testing.
        weight : str
            A column with the weight of each row; may be negative.
        carry : list of str
            Columns that come out with the predictions and are never an input.
        ignore : list of str
            Columns that are not used at all.
        from_ : str or path
            A run with the same columns and network, from whose weights training starts, or one
            without labels, whose encoder gives the first layers; text is cut into its tokens. The
            rows that it learned from are looked for among the test rows.
        folder : str or path
            Where the run is written; nothing is written without it.
        """
        wanted = {
            "target": target, "validation": validation, "test": test, "targets": targets,
            "key": key, "group": group, "time": time, "weight": weight, "carry": carry,
            "ignore": ignore, "from_": from_,
        }  # fmt: skip
        if isinstance(y, str):
            wanted["target"] = y
        elif y is not None or _is_array(data):
            self._learn_arrays(*self._checked_arrays(data, y), wanted, folder)
            return self
        self._adopt(run_job(self, data, wanted, folder=folder))
        return self

    def predict(self, data):
        """The answer for every row: a class, or an amount in the units of the target.

        data : like the data that it was fitted on; the target's column may be missing
        returns : array (rows,), or (rows, targets) where there are several
        """
        model = self._fitted()
        if model.threshold is not None:
            called = answers(model, self._scores(data, in_order_of_target=True))
            labels = [as_label(value) for value in self.classes_]
            return self.classes_[[labels.index(name) for name in model.target.classes]][called]
        found = answers(model, self._scores(data))
        return self.classes_[found] if hasattr(self, "classes_") else found

    @available_if(_gives_probabilities)
    def predict_proba(self, data):
        """Probability of each class of ``classes_``, or of each label; (rows, classes)."""
        return self._scores(data)

    def score(self, data, y=None):
        """Accuracy for classes, R2 for amounts; without labels minus the mean error of the rows.

        For series, translations and games the leading metric, turned so that more is better.
        """
        model = self._fitted()
        kind = model.target.kind
        if kind in ("field", "series", "text", "mask") or model.preparation.form == "game":
            metric = find_metric(self.metrics_[0], model.target.kind)
            table = predict_rows(model, self._read(data))
            answered = table[column_names(model.target, "score")].notna().all(axis=1)
            value = metric.function(Predictions.from_table(table.loc[answered], model.target))
            return value if metric.higher_is_better else -value
        if model.target.kind == "none":
            return -float(self.predict(data).mean())
        if y is None:
            source, _ = read_source(self, data, {"target": list(model.target.names)})
            truth = model.preparation.truth(source, np.arange(len(source.frame)))
            found = answers(model, self._scores(source, in_order_of_target=True))
        else:
            truth, found = np.asarray(y), self.predict(data)
        if model.target.kind in ("binary", "classes"):
            return float(accuracy_score(truth, found))
        if model.target.kind == "labels":
            return float((np.asarray(truth) == found).mean())
        return float(r2_score(truth, found))

    def predict_table(self, data, *, explain: bool = False) -> DataFrame:
        """Key (or row), prediction, scores and carried columns for every row of a source.

        explain : adds reason_1 to reason_3, the columns that move each prediction most, such as
            "age = 61 (+0.21)": with this value instead of the training median (or the most
            common category) the score is higher by 0.21; of anomalies the columns that are
            rebuilt worst, such as "age (63%)" of the error
        """
        model = self._fitted()
        source = self._read(data)
        table = predict_rows(model, source)
        unsaid = ["split", "fold", "threshold", *column_names(model.target, "threshold")]
        unsaid += ["truth"] * (model.target.kind == "none")
        table = table.drop(columns=unsaid, errors="ignore")
        scores = table[column_names(model.target, "score")].to_numpy()
        if model.target.kind == "mask":  # counts of pixels say it all
            return table
        given = answers(model, scores)
        if model.target.kind in ("binary", "classes"):
            given = np.asarray(model.target.classes)[given]
        place = 1 + ("key" in table)
        if given.ndim == 1:
            table.insert(place, "prediction", given)
        else:
            for number, name in enumerate(model.target.names):
                table.insert(place + number, f"prediction:{name}", given[:, number])
        if self.abstain_below is not None and model.target.kind in ("binary", "classes"):
            table["abstains"] = scores.max(axis=1) < self.abstain_below
        return concat([table, reasons_of(model, source)], axis=1) if explain else table

    def generate(
        self,
        count: int = 64,
        *,
        data=None,
        scan: bool = False,
        between: str | None = None,
        attribute: str | None = None,
        seed: int = 0,
    ) -> np.ndarray:
        """New examples from a network that can draw them, such as vae, gan, rbm or dbn.

        data : a source, for ``between`` and ``attribute``
        scan : instead, what the decoder makes of a square of codes, about ``count`` of them
        between : instead, ``count`` steps between the codes of two rows of ``data``: "3,17"
        attribute : instead, "COLUMN=VALUE": rows of ``data`` that lack it, as they come back and
            with the mean difference of codes added, in turn
        returns : (count, features) or (count, channels, height, width), in the units of the data
        """
        model = self._fitted()
        if (between or attribute) and data is None:
            raise SettingsError("--between and --attribute need rows: give a SOURCE after the run.")
        with own_chance():
            if scan:
                return asked.scan(model, max(2, round(count**0.5)))
            if between:
                return asked.between(model, self._read(data), between, count)
            if attribute:
                return asked.with_attribute(model, self._read(data), attribute, count // 2)
            return asked.examples(model, count, seed)

    @property
    def writes_fields(self) -> bool:
        """Whether the network gives fields on a grid, which ``predict_fields`` writes."""
        return self._fitted().target.kind == "field"

    def predict_fields(self, data) -> Any:
        """The fine fields of a source as an xarray Dataset, on the grid of the target.

        It has the coordinates, the names, the units and the calendar of the data.
        """
        if not self.writes_fields:
            raise SettingsError("--out FILE.nc is for networks that downscale. Give a .csv.")
        with own_chance():
            return asked.fields(self._fitted(), self._read(data))

    @property
    def writes_masks(self) -> bool:
        """Whether the network gives a class for every pixel, which ``masks`` draws."""
        return self._fitted().target.kind == "mask"

    def masks(self, data) -> Iterator[tuple[str, np.ndarray]]:
        """The predicted mask of each image, in its own size and with the values of the masks.

        returns : name of the image's file, and (height, width) or (height, width, 3) uint8
        """
        if not self.writes_masks:
            raise SettingsError("This network gives no masks. Fit one with --task segment.")
        with own_chance():
            return asked.masks(self._fitted(), self._read(data), self.data_options_)

    @property
    def writes_text(self) -> bool:
        """Whether the network is a language model, which ``write`` asks for text."""
        model = self._fitted()
        return model.preparation.form == "text" and model.target.kind == "none"

    def write(
        self,
        prompt: str | None = None,
        *,
        count: int = 1,
        length: int = 500,
        temperature: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
    ) -> Iterator[str]:
        """Text from a language model, piece by piece as it comes.

        prompt : what it begins with, which is given back first
        count : how many texts, a line between two
        length : tokens of each at most
        temperature : scores are divided by it; 0 takes the likeliest token each time
        top_k : only the so many likeliest tokens are drawn from; 0: from all
        """
        how = temperature, top_k
        return asked.text(self._fitted(), prompt or "", count, length, how, seed)

    def judge_samples(self, judge, data, *, count: int = 1000, seed: int = 0) -> dict:
        """How this network's samples look to a trained classifier, beside rows that are real.

        judge : the run of a classifier that learned from rows of the same kind
        data : a source of real rows that neither network learned from
        returns : "frechet_distance", "precision" and "recall" in the classifier's last hidden
            layer, "classes" with the share of the samples in each, "rows"
        """
        other = Learner.load(judge) if isinstance(judge, (str, os.PathLike)) else judge
        with own_chance():
            drawn = asked.examples(self._fitted(), count, seed)
            return asked.quality(self._fitted(), other._fitted(), other._read(data), drawn)

    def recall(
        self, data, *, count: int = 4, corrupted: float = 0.2, seed: int = 0
    ) -> list[asked.Recall]:
        """What a Hopfield net makes of the first ``count`` rows of a source, corrupted.

        corrupted : share of the units of each row that are turned over
        returns : per row the pattern, the states on the way, their energies, and the overlap
        """
        with own_chance():
            return asked.recalls(self._fitted(), self._read(data), count, corrupted, seed)

    def attack(
        self,
        data=None,
        *,
        method: str = "fgsm",
        strength=None,
        steps: int = 20,
        count: int | None = None,
    ) -> dict:
        """How accurate a classifier of images or arrays stays when an adversary moves each row.

        data : a source of rows to be attacked; unset: the test rows of the run, which keeps what
            came of it and shows it in its report
        method : fgsm (one step along the sign of the gradient) or pgd (many small ones)
        strength : a number or several: shares of the range of a pixel by which each may move
        steps : of pgd
        count : rows at most, an even sample; unset: 10,000, of pgd 1,000
        returns : "method", "steps", "rows" and "scores", the accuracy with its interval for
            each "strength", the first being 0
        """
        wanted = Wanted(method, strength, steps, count)
        source = None if data is None else self._read(data)
        with own_chance():
            return attack_run(self._fitted(), self.run_, self, source, wanted)

    def encode(self, data) -> np.ndarray:
        """The code of every row of a source, (rows, code), of a network that has one."""
        model = self._fitted()
        if not hasattr(model.network, "encode"):
            raise SettingsError(
                f"The network {type(model.network).__name__} has no code. Fit an autoencoder."
            )
        with own_chance():
            return codes_of(model, self._read(data))

    def evaluate(self, data=None, *, open_test: bool = False) -> dict:
        """results.json: on the rows that were held out, or on a source of its own.

        open_test : judge the test rows of a run that keeps them sealed (``seal_test``)
        """
        model = self._fitted()
        if open_test and data is None and self.seal_test:
            if self.run_ is None:
                raise RunError("Only a run with a folder has sealed test rows. Fit with folder=.")
            with own_chance():
                self.results_ = open_test_rows(self.run_, self)
            return self.results_
        if data is not None:
            return judge_source(model, self._read(data), *self.metrics_, self)
        if self.results_ is None:
            raise RunError(
                "This run has no results yet. Go on with it, or give a source to be judged on."
            )
        return self.results_

    def plan(self, data, target=None, **wanted) -> dict:
        """What ``fit`` would do with the same arguments, as plan.json has it; trains nothing."""
        with own_chance():
            plan = make_plan(self, data, {"target": target, **wanted}, ALONE)
            return plan.record() | {"needs": estimate(plan)}

    @property
    def history(self) -> DataFrame:
        """The journal: one row per epoch (or interval) with losses and validation scores."""
        check_is_fitted(self, "model_")
        return json_normalize(self.journal_)

    @classmethod
    def load(cls, run) -> Learner:
        """The trained learner of a run folder."""
        run = Run.open(run)
        learner = cls(**_known(cls, run.read("settings")["learner"]))
        learner.verbose = False
        plan = run.read("plan")
        device = choose_device(learner.device)[0]
        learner._set_model(load_model(run, device), plan["data"].get("options"))
        learner.metrics_ = (plan["metric"], tuple(plan["metrics"]))
        learner.results_ = run.read("results") if run.has("results.json") else None
        learner.journal_ = run.journal()
        learner.run_ = run
        return learner

    @classmethod
    def resume(cls, run, *, epochs: int | None = None) -> Learner:
        """Go on with a run where it stopped, to the same bits; ``epochs`` makes it longer."""
        run = Run.open(run)
        settings = run.read("settings")
        if not settings["resumable"]:
            raise RunError(
                f"Run '{run.folder}' learned from objects in memory, which are gone. "
                "Fit again, from a file."
            )
        learner = cls(**_known(cls, settings["learner"]))
        if epochs is not None:
            learner.epochs = epochs
        fit = dict(settings["fit"])
        learner._adopt(run_job(learner, fit.pop("data"), fit, resume=run))
        return learner

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = not learns_without_labels(self)
        if self.task in ("classify", "perceptron_rule", "delta_rule"):
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        elif self.task == "regress":
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
            tags.target_tags.multi_output = True
        return tags

    def _checked_arrays(self, data, y) -> tuple[Any, Any]:
        """Inputs and targets in scikit-learn's ways, with its words for what is wrong."""
        validated: Any = validate_data  # its hints know no y of None
        if y is None and learns_without_labels(self):
            inputs: Any = data if hasattr(data, "columns") else validated(
                self, data, allow_nd=True, ensure_all_finite="allow-nan"
            )  # fmt: skip
            return inputs, None
        if hasattr(data, "columns"):
            validate_data(self, data, skip_check_array=True)
            found = np.asarray(y)
        else:
            checked = validated(
                self, data, y, allow_nd=True, ensure_all_finite="allow-nan",
                multi_output=True, y_numeric=self.task == "regress",
            )  # fmt: skip
            data, found = checked
        if found.ndim < 2 or found.shape[1] == 1:
            found = column_or_1d(found, warn=True)
        if self.task == "classify":
            check_classification_targets(found)
        return data, found

    def _learn_arrays(self, data, y, wanted, folder) -> None:
        """Targets beside the inputs: the caller keeps the test rows, so none are held out."""
        share = 0.0 if len(data) < FEW_ROWS else self.validation_fraction
        alone: Any = clone(self)
        alone.set_params(test_fraction=0.0, validation_fraction=share)
        self._adopt(run_job(alone, data, {**wanted, "target": y}, folder=folder))

    def _adopt(self, job: Job) -> None:
        """Keep what a job gave."""
        self._set_model(job.plan.model, job.plan.source.options)
        self.metrics_ = (job.plan.metric, job.plan.metrics)
        self.results_, self.journal_, self.run_ = job.results, job.outcome.journal, job.run
        self.ended_, self.best_epoch_ = job.outcome.ended, job.outcome.best_epoch
        if self.ended_ == "diverged" and not self.verbose:  # which has said so
            warnings.warn(ENDINGS["diverged"], stacklevel=3)

    def _set_model(self, model: Model, options) -> None:
        self.model_, self.data_options_ = model, options
        if not hasattr(self, "n_features_in_"):
            self.n_features_in_ = int(np.prod(model.preparation.input_shape))
        if model.target.kind in ("binary", "classes"):
            texts = isinstance(model.class_values[0], str)
            self.classes_ = np.array(model.class_values, dtype=object if texts else None)
        elif hasattr(self, "classes_"):
            del self.classes_

    def _fitted(self) -> Model:
        check_is_fitted(self, "model_")
        return self.model_

    def _read(self, data) -> Source:
        source = read(data, options=self.data_options_)
        source = shaped_like(source, self._fitted().preparation)
        for note in self._fitted().preparation.check(source):
            warnings.warn(note, stacklevel=4)
        return source

    def _scores(self, data, in_order_of_target: bool = False) -> np.ndarray:
        """Outputs for every row, (rows, ...); columns in the order of ``classes_``."""
        model = self._fitted()
        if not isinstance(data, (str, os.PathLike, Source)) and (
            self._fitted().preparation.form not in FORMS
        ):
            data = self._checked_inputs(data)
        with own_chance():
            source = self._read(data)
            scores = model.answer(source)
        if in_order_of_target or not hasattr(self, "classes_"):
            return scores
        order = [model.target.classes.index(as_label(value)) for value in self.classes_]
        return scores[:, order]

    def _checked_inputs(self, data):
        named = hasattr(data, "columns")
        if hasattr(self, "feature_names_in_") or not named:
            return validate_data(
                self, data, reset=False, allow_nd=True, ensure_all_finite="allow-nan",
                skip_check_array=named,
            ) if not named else _names_checked(self, data)  # fmt: skip
        return data


def style_picture(
    content: str,
    style: str,
    *,
    size: int = 256,
    steps: int = 80,
    style_weight: float = 10.0,
    smoothness: float = 5.0,
    weights: str = "auto",
    seed: int = 0,
    verbose: bool = False,
) -> np.ndarray:
    """A picture with the content of one photograph and the style of another (Gatys et al. 2016).

    Parameters
    ----------
    content : str or path
        An image file, or china or flower, which scikit-learn ships.
    style : str or path
        The same.
    size : int
        Pixels of the longer side.
    steps : int
        How often the picture is changed.
    style_weight : float
        What the style counts, the content counting 1.
    smoothness : float
        What the mean squared difference of neighbouring pixels counts.
    weights : str
        Of VGG-19: published (layerwise fetch vgg19), random, or auto: published where they are.
    seed : int
        Draws other random weights.
    verbose : bool
        Say which weights there are and how it goes.

    Returns
    -------
    array
        (height, width, 3) uint8.
    """
    how = Styling(size, steps, style_weight, smoothness, weights, seed)
    with own_chance():
        return styled(content, style, how, Display(verbose))


def _is_array(data) -> bool:
    """Whether these are inputs without names, such as an array or a list of lists."""
    if isinstance(data, (str, os.PathLike, Source)) or hasattr(data, "columns"):
        return False
    return not (is_pyg(data) or type(data).__module__.startswith("networkx."))


def _names_checked(learner: Learner, data):
    validate_data(learner, data, reset=False, skip_check_array=True)
    return data


def _known(cls, settings: dict) -> dict:
    """Settings that this version's constructor takes."""
    return {name: settings[name] for name in cls._get_param_names() if name in settings}
