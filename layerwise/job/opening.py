"""The plan of a finished run again, and opening the test rows that it kept sealed."""

from typing import Any

from layerwise.errors import RunError
from layerwise.job.judging import conclude, gather, write_judgement
from layerwise.job.plan import Plan, make_plan
from layerwise.report import write_report
from layerwise.run import Run, plain
from layerwise.scaling.processes import ALONE


def open_test_rows(run: Run, settings: Any) -> dict[str, Any]:
    """Judge a finished run on its sealed test rows; results.json and the report are new.

    settings : the run's Learner
    Raises RunError where the data cannot be read again, or are others than in training.
    """
    plan = plan_again(run, settings)
    plan.model.network.load_state_dict(run.read_tensors("network"))
    plan.model.network.eval()
    dataset = plan.model.dataset(plan.source)
    judgement = conclude(plan, gather(plan, dataset, settings, 60.0, sealed=False), settings)
    before = run.read("results")
    judgement.results.update({name: before.get(name) for name in ("training", "dead_units")})
    write_judgement(run, plan, judgement, settings)
    write_report(run)
    return run.read("results")


def plan_again(run: Run, settings: Any) -> Plan:
    """The plan of a finished run, made anew from its data; the network's weights are not in it.

    settings : the run's Learner
    Raises RunError where the data cannot be read again, or are others than in training.
    """
    said = run.read("settings")
    if not said["resumable"]:
        raise RunError(
            f"Run '{run.folder}' learned from objects in memory, which are gone, and its test rows "
            "with them. Fit from a file to come back to them."
        )
    fit = dict(said["fit"])
    if fit.get("from_") is not None:  # the earlier run may be gone; its tokens are this one's too
        fit["from_"] = run.folder if run.read("preparation").get("tokens_from") else None
    plan = make_plan(settings, fit.pop("data"), fit, ALONE)
    if plain(plan.stored_preparation().to_json()) != run.read("preparation"):
        raise RunError(
            f"The data of run '{run.folder}' are not those that it learned from. Restore them to "
            "come back to its test rows."
        )
    return plan
