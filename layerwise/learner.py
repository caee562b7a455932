"""Learner: data in, a trained and judged network out; the one place where rooms are put together."""

from sklearn.base import BaseEstimator


class Learner(BaseEstimator):
    """A network that learns from a person's data and is judged on rows it never saw.

    Parameters
    ----------
    network : str or class
        A name from ``layerwise zoo``, a class, "my.py:Net", or "auto": chosen by the data.
    network_options : dict
        Options of the network, such as ``{"hidden": (64, 64)}``.
    task : str or class
        A name from ``layerwise.tasks``, a class, "my.py:Task", or "auto": chosen by the target.
    task_options : dict
        Options of the task, such as ``{"loss": "focal"}``.
    data_options : dict
        How the source is read, such as ``{"categorical": ["code"], "image_size": 32}``.
    recipe : str
        "modern" (measured default) or "historic" (the network's paper, departures listed).
    optimizer : str
        sgd, rmsprop, adadelta, adam, adamw, lbfgs or closed_form; unset: the recipe's.
    optimizer_options : dict
        Options that torch's optimizer takes, such as ``{"momentum": 0.9, "nesterov": True}``.
    schedule : str
        constant, step, cosine, one_cycle or plateau; unset: the recipe's.
    schedule_options : dict
        Options of the schedule, such as ``{"warm_up": 0.1}``.
    learning_rate : float
        Size of a step; unset: the recipe's.
    epochs : int
        Passes over the training rows; unset: the recipe's.
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
        "balanced" gives every class the same say in the loss.
    abstain_below : float
        Report coverage and accuracy when the network may abstain below this probability.
    baselines : str
        none, fast or all.
    device : str
        auto, cpu, cuda, or another torch device.
    precision : str
        float32, bf16 (autocast) or float64.
    threads : int
        Processor threads; unset: those this process may use.
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
        optimizer: str | None = None,
        optimizer_options: dict | None = None,
        schedule: str | None = None,
        schedule_options: dict | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
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
        baselines: str = "fast",
        device: str = "auto",
        precision: str = "float32",
        threads: int | None = None,
        micro_batches: int = 1,
        minutes: float | None = None,
        seed: int = 0,
        verbose: bool = False,
    ):
        raise NotImplementedError

    def fit(
        self,
        data,
        target=None,
        *,
        validation=None,
        test=None,
        targets=None,
        key: str | None = None,
        group: str | None = None,
        time: str | None = None,
        weight: str | None = None,
        carry: list[str] | None = None,
        ignore: list[str] | None = None,
        folder: str | None = None,
    ):
        """Learn from ``data`` and judge the result on rows that were held out.

        Parameters
        ----------
        data : str, path, DataFrame, array or tensor
            A known name, a file, a folder, a glob; or the inputs themselves.
        target : str, list of str or array
            The column or columns to be predicted; or the targets themselves.
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
        folder : str or path
            Where the run is written; nothing is written without it.
        """
        raise NotImplementedError
