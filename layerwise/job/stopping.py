"""Stopping early: signals, a time limit, patience; each only sets a fact that the loop reads."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

SIGNALS = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGBREAK")  # those that this system has


class Signals:
    """Notes a wish to stop while the ``with`` lasts.

    While the network learns, the first signal is only noted: the loop saves and ends at its next
    step. Before and after, and where it is the second one, KeyboardInterrupt is raised at once.
    Off the main thread, where Python allows no handlers, nothing is noted. The handlers that were
    there before are put back.

    echo : seconds after the first signal in which another is the same wish (torchrun repeats it)
    """

    def __init__(self, echo: float = 0.0):
        self.received: str | None = None
        self._echo, self._first_at = echo, 0.0
        self._patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name, None)
                if number is not None:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    @contextmanager
    def while_learning(self) -> Iterator[None]:
        """Only note the first signal, because a loop asks for ``received``."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False

    def ignored(self) -> None:
        """From now on only the second signal counts: the run is ending already."""
        self._patient = True

    def _note(self, number: int, frame: Any) -> None:
        name, now = signal.Signals(number).name, time.monotonic()
        if self.received is None:
            self.received, self._first_at = name, now
            if self._patient:
                return
        elif now - self._first_at < self._echo:
            return
        self.__exit__()
        raise KeyboardInterrupt(f"Stopped at once by {name}.")


RESERVE, LONGEST_RESERVE = 0.2, 60.0  # share of a job's time for judging it, and its most seconds


class TimeLimit:
    """Tells when the training of a job must end, so that its report is there in time.

    minutes : of the whole job; no minutes, no limit
    began : when they began to count, by the monotonic clock
    """

    def __init__(self, minutes: float | None, began: float):
        self._end = math.inf if minutes is None else began + 60 * minutes
        self._reserve = 0.0 if minutes is None else min(RESERVE * 60 * minutes, LONGEST_RESERVE)

    def at_most(self, seconds: float) -> "TimeLimit":
        """A limit for the whole job that ends in so many seconds, or before."""
        shorter = TimeLimit(None, 0.0)
        shorter._end = min(self._end, time.monotonic() + seconds)
        return shorter

    def reached(self) -> bool:
        """Whether training must end."""
        return time.monotonic() >= self._end - self._reserve

    def left(self) -> float:
        """Seconds until the whole job must end; infinite without a limit."""
        return max(0.0, self._end - time.monotonic())


class Best:
    """The best weights so far, and for how many epochs there were no better ones.

    Equal values count as better for the weights (later steps of a falling rate generalize no
    worse) but not for the patience.
    """

    def __init__(self, network: nn.Module, higher_is_better: bool, patience: int):
        self._network, self._sign, self._patience = network, 1 if higher_is_better else -1, patience
        self.value: float | None = None
        self.epoch = 0
        self._waited = 0
        self._weights: dict[str, torch.Tensor] = {}

    def observe(self, value: float, epoch: int) -> bool:
        """Note an epoch's value; whether it is the best, or equal to the best, so far."""
        gained = self.value is None or self._sign * (value - self.value) > 0
        self._waited = 0 if gained else self._waited + 1
        if not gained and value != self.value:
            return False
        self.value, self.epoch = value, epoch
        self._weights = {name: t.detach().clone() for name, t in self._network.state_dict().items()}
        return True

    def exhausted(self) -> bool:
        """Whether patience is over."""
        return bool(self._patience) and self._waited >= self._patience

    def restore(self) -> None:
        """Give the network its best weights, where any were noted."""
        if self._weights:
            self._network.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Value, epoch, patience used, and the weights."""
        return {"value": self.value, "epoch": self.epoch, "waited": self._waited,
                "weights": self._weights}  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` gave."""
        self.value, self.epoch, self._waited = state["value"], state["epoch"], state["waited"]
        self._weights = dict(state["weights"])
