"""The methods paragraph says what the record holds, and nothing that it does not."""

import re

import pytest

from layerwise.report.methods import methods
from layerwise.report.record import Record, read_record

PLAN = {
    "data": {
        "name": "wine",
        "rows": 178,
        "about": "three wines",
        "columns": [
            {"name": "y", "kind": "", "role": "target"},
            {"name": "a", "kind": "number", "role": "input"},
            {"name": "b", "kind": "number", "role": "input"},
            {"name": "c", "kind": "category", "role": "input"},
            {"name": "d", "kind": "identifier", "role": "left out"},
        ],
    },
    "splits": {"train": 124, "validation": 27, "test": 27, "method": "group"},
    "roles": {"group": "vineyard"},
    "target": {"kind": "classes", "names": ["y"], "classes": ["u", "v", "w"]},
    "network": {"name": "mlp", "options": {"hidden": [64, 32]}, "parameters": 1091},
    "recipe": [
        {
            "optimizer": "adamw",
            "learning_rate": 0.004,
            "epochs": 60,
            "batch_size": 32,
            "schedule": "one_cycle",
            "optimizer_options": {"weight_decay": 0.01},
            "clip": None,
        }
    ],
    "metric": "accuracy",
    "environment": {"torch": "2.13", "python": "3.11", "device": "cpu", "precision": "float32"},
}


def test_data_network_and_software_are_in_words():
    data, network, judged, software = methods(
        Record("run", {}, plan=PLAN, settings={"learner": {"seed": 7}, "version": "0.1.0"})
    )
    assert "178 rows of wine (three wines)" in data
    assert "124 training, 27 validation and 27 test rows by whole groups of 'vineyard'" in data
    assert "2 numeric columns and 1 categorical column" in data
    assert "hidden 64-32, 1,091 parameters" in network
    assert "AdamW for up to 60 epochs in batches of 32 rows, at a learning rate of 0.004" in network
    assert network.endswith("with a one-cycle schedule (weight decay 0.01).")
    assert judged == "The weights of the epoch with the best validation accuracy were kept."
    assert "layerwise 0.1.0 and PyTorch 2.13 on Python 3.11" in software
    assert "seed was 7" in software


def test_weights_that_the_loss_chose_are_not_said_to_be_chosen_by_the_metric():
    journal = [{"losses": {"network": 0.3}, "scores": {"loss": 0.4}}]
    plan = {"metric": "dice", "splits": {"validation": 9}}
    text = " ".join(methods(Record("run", {}, plan=plan, journal=journal)))
    assert "the best validation loss were kept" in text


def test_results_stand_there_with_interval_and_verdict(reported):
    record = read_record(reported.cancer)
    judged = methods(record)[2]
    assert "ROC AUC was" in judged
    assert "bias-corrected and accelerated bootstrap over rows" in judged
    assert record.results["verdict"]["sentence"] in judged
    assert "Wilson's" in methods(read_record(reported.digits))[2]
    assert "studentized bootstrap" in methods(read_record(reported.diabetes))[2]


@pytest.mark.parametrize("name", ["digits", "cancer", "diabetes", "moons"])
def test_no_value_is_missing_in_the_words(reported, name):
    for paragraph in methods(read_record(getattr(reported, name))):
        assert not re.search(r"None|nan|\(\)|\s\s|\{|\}", paragraph)


def test_a_run_without_a_plan_has_no_methods():
    assert methods(Record("run", {"state": "failed"})) == []
    assert methods(Record("run", {}, plan={"data": {"name": "x"}})) != []
