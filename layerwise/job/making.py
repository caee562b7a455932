"""What a report shows of a network without labels: reconstructions, samples, how good they are."""

from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.evaluation.evaluate import undisturbed
from layerwise.evaluation.gan_health import gan_health, generator_gradients
from layerwise.evaluation.likelihood import log_likelihood
from layerwise.evaluation.sample_quality import (
    nearest_training,
)
from layerwise.evaluation.specimens import SAMPLES, SHOWN, draw, shown, specimens
from layerwise.job.plan import Plan
from layerwise.run import Run

COMPARED = 2000  # training rows among which the nearest one of a sample is looked for
JUDGED, IMPORTANCE_SAMPLES = 500, 100  # rows and samples of the likelihood in a report
MANY = 500  # samples that modes are looked for in


def write_specimens(run: Run, plan: Plan, part: str, journal: list[dict]) -> dict[str, Any]:
    """Write reconstructions of judged rows and samples; give what is to be said of them.

    part : the rows that are judged
    returns : {"sentences": [...]}, one for each thing that was found
    """
    if plan.source.form:
        return _of_form(run, plan, part)
    network, sentences = plan.model.network, []
    if not (hasattr(network, "decode") or hasattr(network, "sample")):
        return {"sentences": []}
    filled = (one for one in (part, "validation", "train") if len(plan.rows(one)))
    part = next(filled)  # with folds the network that is kept has no test rows
    inputs = _inputs(plan, part, max(SHOWN, JUDGED))
    if not isinstance(inputs, Tensor):
        return {"sentences": []}
    found = specimens(network, plan.model.task, plan.model.preparation, inputs, seed=plan.seed)
    if hasattr(network, "sample"):
        drawn, known = draw(network, SAMPLES, plan.seed).cpu(), _inputs(plan, "train", COMPARED)
        sentences.append(_nearest(drawn, inputs, known, found, plan))
        if hasattr(network, "discriminate") and len(known) >= MANY:
            sentences += _health(plan, journal, known)
    if hasattr(network, "posterior"):
        sentences.append(_likelihood(plan, inputs[:JUDGED], part))
    if all(bool(tensor.isfinite().all()) for tensor in found.values()):
        run.write_tensors("specimens", found)
    return {"sentences": sentences}


def _of_form(run: Run, plan: Plan, part: str) -> dict[str, Any]:
    """What the form of the data has to show: forecasts, samples of text, maps."""
    rows = plan.rows(part)
    rows = rows if len(rows) else plan.rows("train")
    model = plan.model
    shower = import_module(f"layerwise.evaluation.{plan.source.form}_specimens")
    with undisturbed(model.network):
        made = shower.show(
            model.network, model.task, model.preparation, plan.source, rows.numpy(), seed=plan.seed
        )
    arrays = {name: torch.as_tensor(array).float() for name, array in made["arrays"].items()}
    if arrays:
        run.write_tensors("specimens", {name: one.contiguous() for name, one in arrays.items()})
    return {"sentences": list(made["sentences"]), "tables": list(made["tables"])}


def _inputs(plan: Plan, part: str, most: int) -> Any:
    """The first rows of a part as the network sees them."""
    rows = plan.rows(part)[:most]
    dataset = plan.model.dataset(plan.source.take(rows.numpy()))
    return dataset.batch(slice(0, len(rows))).inputs


def _nearest(drawn: Tensor, held_out: Tensor, known: Tensor, found: dict, plan: Plan) -> str:
    """Put the nearest training row beside each sample, and say how near they are."""
    near = nearest_training(drawn.numpy(), known.cpu().numpy())
    of_others = nearest_training(held_out.cpu().numpy(), known.cpu().numpy())
    beside = known.cpu()[torch.from_numpy(near.indices)]
    found["nearest"] = shown(plan.model.preparation, beside)
    ours, theirs = float(np.median(near.distances)), float(np.median(of_others.distances))
    judged = "copies or nearly so" if ours < 0.5 * theirs else "no copies"
    return (
        f"The median distance from a sample to the nearest of {len(known):,} training rows is "
        f"{ours:.3g}; from a held-out row it is {theirs:.3g}: the samples are {judged}."
    )


def _health(plan: Plan, journal: list[dict], known: Tensor) -> list[str]:
    """The troubles of two players that were found, or that none was."""
    network: Any = plan.model.network
    drawn = draw(network, MANY, plan.seed).cpu()
    some = known[:MANY].to(plan.model.device)
    noise = torch.randn(
        len(some), network.noise_size, generator=torch.Generator().manual_seed(plan.seed)
    )
    with undisturbed(network):
        gradients = generator_gradients(network, some, noise.to(some))
    loss = getattr(plan.model.task, "loss", "non_saturating")
    troubles = gan_health(
        journal, drawn.numpy(), known.cpu().numpy(), gradients=gradients, loss=loss
    )
    said = [f"{one.evidence} {one.following}" for one in troubles if one.found]
    return said or [
        "None of the known troubles of adversarial training was found: no oscillation, no "
        "collapsed modes, no critic that is too strong, no vanishing gradient."
    ]


def _likelihood(plan: Plan, inputs: Tensor, part: str) -> str:
    """The likelihood of judged rows by importance sampling, with its interval."""
    network: Any = plan.model.network
    generator = torch.Generator().manual_seed(plan.seed)
    rows = inputs.to(plan.model.device)
    if getattr(network, "likelihood", "") == "bernoulli":
        rows = torch.bernoulli(inputs.clamp(0, 1).cpu(), generator=generator).to(rows)
    with undisturbed(network):
        nats = log_likelihood(network, rows, IMPORTANCE_SAMPLES, generator).cpu().double()
    width = 1.96 * float(nats.std()) / len(nats) ** 0.5
    return (
        f"log p(x) of {len(nats)} {part} rows by {IMPORTANCE_SAMPLES} importance samples, a lower "
        f"bound in the mean: {float(nats.mean()):.2f} +- {width:.2f} nats per row (95 %)."
    )
