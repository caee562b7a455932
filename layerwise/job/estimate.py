"""What a plan would need: time measured on a few steps, memory, disk."""

import copy
import time
from typing import Any

from layerwise.data.datasets import Rows
from layerwise.job.plan import Plan
from layerwise.training import train

TRIAL_SECONDS, TRIAL_STEPS = 2.0, 30


def estimate(plan: Plan) -> dict[str, Any]:
    """Seconds of training (measured on a copy of the network), and bytes of memory and disk."""
    dataset = plan.model.dataset(plan.source)
    network = copy.deepcopy(plan.model.network)
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    steps = total = 0
    began = first = time.monotonic()
    for progress in train(network, plan.recipe, Rows(dataset, plan.rows("train")), seed=plan.seed):
        assert progress is not None
        steps, total = progress.step, progress.steps
        if steps == 1:
            first = time.monotonic()  # the first step also warms up
        if steps >= TRIAL_STEPS or time.monotonic() - began > TRIAL_SECONDS:
            break
    each = (time.monotonic() - first) / max(1, steps - 1)
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
