"""A methods paragraph, in words fit for a paper, from what the run recorded."""

from __future__ import annotations

from collections import Counter
from typing import Any

from layerwise.report.glossary import label
from layerwise.report.record import Record
from layerwise.report.tables import interval, measured

KINDS = {
    "number": ("numeric column", "numeric columns"),
    "category": ("categorical column", "categorical columns"),
    "boolean": ("yes-or-no column", "yes-or-no columns"),
    "date": ("date", "dates"),
}
SPLITS = {
    "stratified": "at random within each class",
    "random": "at random",
    "group": "by whole groups of '{group}'",
    "time": "by '{time}', training on the past and testing on the future",
    "key": "by a hash of the key '{key}'",
    "files": "as the files gave them",
}
NAMES = {
    "mlp": "a multi-layer perceptron",
    "lenet5": "LeNet-5",
    "adamw": "AdamW",
    "adam": "Adam",
    "sgd": "stochastic gradient descent",
    "lbfgs": "L-BFGS",
    "rmsprop": "RMSprop",
    "adadelta": "Adadelta",
    "one_cycle": "a one-cycle schedule",
    "cosine": "a cosine schedule",
    "step": "a step schedule",
    "plateau": "a schedule that lowers it when validation stalls",
}
STUDENTIZED = ("log_loss", "brier", "mae", "rmse", "poisson_deviance")


def methods(record: Record) -> list[str]:
    """Give the paragraphs: data and split, network and training, judgement, software.

    Says only what the record holds; empty for a run that failed before it had a plan.
    """
    if not record.plan:
        return []
    written = (_data(record), _network(record), _judgement(record), _software(record))
    return [" ".join(part.split()) for part in written if part]


def _data(record: Record) -> str:
    data, splits = record.plan.get("data") or {}, record.plan.get("splits") or {}
    about = f" ({data['about']})" if data.get("about") else ""
    rows = f"{data['rows']:,} rows" if data.get("rows") else "rows"
    said = f"The data were {rows} of {data.get('name') or 'one source'}{about}. "
    if record.same_rows:
        said += "All rows were used both to train and to judge, so that nothing is held out. "
    else:
        counts = [f"{splits.get(part) or 0:,}" for part in ("train", "validation", "test")]
        said += (
            f"They were divided into {counts[0]} training, {counts[1]} validation and {counts[2]} "
            f"test rows{_how_divided(record)}. "
        )
    return said + _inputs(record)


def _how_divided(record: Record) -> str:
    method = str((record.plan.get("splits") or {}).get("method") or "")
    roles = record.plan.get("roles") or {}
    first = method.split(",")[0]
    if first not in SPLITS:
        return ""
    how = SPLITS[first].format(**{name: roles.get(name) for name in ("group", "time", "key")})
    seed = (record.settings.get("learner") or {}).get("seed")
    return f" {how}" + (f" (seed {seed})" if seed is not None and first != "time" else "")


def _inputs(record: Record) -> str:
    columns = (record.plan.get("data") or {}).get("columns") or []
    shape = (record.plan.get("network") or {}).get("input_shape") or []
    if len(shape) == 3:
        return (
            f"The inputs were images of {shape[1]} x {shape[2]} pixels and {_number(shape[0])} "
            f"channel{'' if shape[0] == 1 else 's'}, standardized by the mean and deviation of "
            "the training images. "
        )
    kinds = Counter(column["kind"] for column in columns if column.get("role") == "input")
    listed = [f"{count} {KINDS[kind][count > 1]}" for kind, count in kinds.items() if kind in KINDS]
    if not listed:
        return ""
    said = f"The inputs were {_joined(listed)}. Numbers were standardized, missing ones filled "
    return (
        said + "with the median and marked; all constants and categories came from the training "
        "rows alone. "
    )


def _network(record: Record) -> str:
    network, stages = record.plan.get("network") or {}, record.plan.get("recipe") or []
    if not network:
        return ""
    name = str(network.get("name") or network.get("class") or "a network")
    said = f"We trained {NAMES.get(name, name)}"
    options = {k: v for k, v in (network.get("options") or {}).items() if k != "categories"}
    shown = [f"{label(key)} {_option(value)}" for key, value in options.items()]
    if network.get("parameters"):
        shown.append(f"{network['parameters']:,} parameters")
    said += f" ({', '.join(shown)})" if shown else ""
    if network.get("source"):
        said += f" after {str(network['source']).rstrip('.')}"
    said += f" to predict {_target(record)}. "
    return said + " ".join(
        _stage(stage, number, len(stages)) for number, stage in enumerate(stages)
    )


def _stage(stage: dict[str, Any], number: int, of: int) -> str:
    optimizer = str(stage.get("optimizer") or "")
    lead = "It was trained" if of == 1 else f"Stage {number + 1} trained it"
    if optimizer == "closed_form":
        return f"{lead} in closed form."
    size, rate = stage.get("batch_size"), stage.get("learning_rate")
    said = f"{lead} with {NAMES.get(optimizer, optimizer)} for up to {stage.get('epochs')} epochs"
    if size:
        said += " on all rows at once" if size == "all" else f" in batches of {size} rows"
    said += f", at a learning rate of {_option(rate)}" if rate else ""
    schedule = stage.get("schedule")
    if schedule and schedule != "constant":
        said += f" with {NAMES.get(schedule, str(schedule).replace('_', ' '))}"
    extras = [
        f"{name.replace('_', ' ')} {_option(value)}"
        for name, value in {
            **(stage.get("optimizer_options") or {}),
            "L1 penalty": stage.get("l1"),
            "L2 penalty": stage.get("l2"),
            "gradients clipped at norm": stage.get("clip"),
        }.items()
        if value
    ]
    said += f" ({', '.join(extras)})" if extras else ""
    return said + (f"; {stage['learns']}." if stage.get("learns") else ".")


def _judgement(record: Record) -> str:
    head = record.results.get("headline") or {}
    metric = record.plan.get("metric") or head.get("metric")
    training = record.results.get("training") or {}
    said = ""
    if (record.plan.get("splits") or {}).get("validation") and not record.same_rows and metric:
        scored = (name for line in record.journal for name in line.get("scores") or ())
        watched = next(scored, metric)  # the loss, where the metric is too costly for every epoch
        said += f"The weights of the epoch with the best validation {label(watched)} were kept"
        best = training.get("best_epoch")
        said += f" (epoch {best} of {training.get('epochs')}). " if best else ". "
    if head.get("value") is None:
        return said
    bounds = interval(head)
    within = f" (95 % interval {bounds}, {_interval_method(record)})" if bounds else ""
    rows = {
        "test": "test rows, which neither trained the network nor chose its weights",
        "validation": "validation rows",
    }.get(str(head.get("split")), "rows that it was trained on")
    said += f"On the {head.get('rows'):,} {rows}, {label(head['metric'])} was {measured(head)}"
    said += f"{within}. "
    names = [_spoken(each["name"]) for each in record.results.get("baselines") or ()]
    verdict = record.results.get("verdict") or {}
    if names:
        said += f"Baselines ({', '.join(names)}) had the same training rows and the same rows to "
        said += "be judged on. "
    return said + str(verdict.get("sentence") or "")


def _interval_method(record: Record) -> str:
    metric, table = (record.results.get("headline") or {}).get("metric"), record.predictions
    groups = table is not None and "group" in table
    weights = table is not None and "weight" in table
    units = "groups" if groups else "rows"
    if metric in ("accuracy", "exact_match") and not groups and not weights:
        return "Wilson's"
    if metric in STUDENTIZED:
        return f"studentized bootstrap over {units}"
    return f"bias-corrected and accelerated bootstrap over {units}"


def _software(record: Record) -> str:
    made = record.plan.get("environment") or {}
    names = {name: name for name in ("torch", "numpy", "pandas", "scikit-learn")}
    names |= {"torch": "PyTorch", "numpy": "NumPy"}
    version = made.get("layerwise") or record.settings.get("version")
    used = [f"layerwise {version}"] if version else []
    used += [f"{spoken} {made[name]}" for name, spoken in names.items() if made.get(name)]
    if not used:
        return ""
    said = f"The software was {_joined(used)}"
    said += f" on Python {made['python']}" if made.get("python") else ""
    said += f", computing on {made['device']}" if made.get("device") else ""
    said += f" in {made['precision']}" if made.get("precision") else ""
    seed = (record.settings.get("learner") or {}).get("seed")
    said += f"; the random seed was {seed}" if seed is not None else ""
    return f"{said}."


def _target(record: Record) -> str:
    target, names = record.target, ", ".join(f"'{name}'" for name in record.target.names)
    return {
        "binary": f"{names} (two classes)",
        "classes": f"{names} ({len(target.classes)} classes)",
        "labels": f"{len(target.classes)} labels",
        "count": f"the count {names}",
        "mask": f"which of {len(target.classes)} classes each pixel has",
    }.get(target.kind, names or "the target")


def _option(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(_option(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_option(each)}" for name, each in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _number(count: int) -> str:
    return {1: "one", 2: "two", 3: "three", 4: "four"}.get(count, str(count))


def _spoken(name: str) -> str:
    return name.replace("_", " ")
