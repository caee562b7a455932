"""What a plan would need: time measured on a few steps, memory, disk."""

import copy
import time
from itertools import pairwise
from statistics import median
from typing import Any

from layerwise.data.datasets import Rows
from layerwise.job.plan import Plan
from layerwise.training import train

TRIAL_SECONDS, TRIAL_STEPS = 2.0, 30


def estimate(plan: Plan) -> dict[str, Any]:
    """Seconds of training (the median step of a copy of the network), memory and disk."""
    dataset = plan.model.dataset(plan.source)
    network = copy.deepcopy(plan.model.network)
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    ticks, total = [time.monotonic()], 0
    rows = Rows(dataset, plan.rows("train"))
    for progress in train(network, plan.recipe, rows, seed=plan.seed, augment=plan.augment):
        assert progress is not None
        ticks.append(time.monotonic())
        total = progress.steps
        if len(ticks) > TRIAL_STEPS or ticks[-1] - ticks[0] > TRIAL_SECONDS:
            break
    each = median(after - before for before, after in pairwise(ticks)) if total else 0.0
    batch = dataset.batch(slice(0, 1))
    tensors = batch.inputs.values() if isinstance(batch.inputs, dict) else [batch.inputs]
    data = len(dataset) * sum(t.numel() * t.element_size() for t in tensors)
    return {
        "steps": total,
        "training seconds, about": round(total * each, 1),
        "memory of the data, MB": round(data / 1e6, 1),
        "memory of the network in training, MB": round(4 * weights / 1e6, 1),
        "disk, MB": round((2 * 4 * weights + weights) / 1e6 + 1, 1),
    }
