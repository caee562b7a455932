from dataclasses import replace

import numpy as np
import torch
from translator_cases import TEXT, pairs, prepared

from layerwise.evaluation.pairs_specimens import TABLE, show
from layerwise.networks.gru_translator import GRUTranslator
from layerwise.report.draw_pairs import draw_pairs
from layerwise.report.figures import style
from layerwise.report.record import Record
from layerwise.tasks.translate import Translate


def shown(rows):
    source = pairs([f"a {n}" for n in range(40)], [f"ein {n}" for n in range(40)])
    preparation = prepared(source)
    sizes = preparation.network_options["vocabulary"]
    torch.manual_seed(0)
    network = GRUTranslator((20, 20), sizes[1], vocabulary=sizes, width=8, hidden=8)
    return show(network, Translate(TEXT), preparation, source, rows, seed=0)


def test_a_dozen_translations_are_chosen_by_row_number():
    table = shown(np.arange(40))["tables"][0]
    assert table["columns"] == ["row", "source", "reference", "translation"]
    assert [line[0] for line in table["rows"]][::11] == ["0", "39"]
    assert len(table["rows"]) == 12
    assert table["rows"][0][1:3] == ["a 0", "ein 0"]


def test_two_maps_of_attention_with_their_tokens():
    made = shown(np.array([3, 5]))
    tokens = {(line[0], line[1]): line[2].split(" ") for line in made["tables"][1]["rows"]}
    assert made["tables"][1]["title"] == TABLE
    assert tokens["1", "source"] == ["a", "·", "3", "(end)"]
    for number in ("1", "2"):
        weights = made["arrays"][f"attention_{number}"]
        assert weights.shape == (len(tokens[number, "said"]), len(tokens[number, "source"]))
        assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)


def test_no_rows_show_nothing():
    assert shown(np.array([], dtype=int))["tables"] == []


def test_the_maps_are_drawn_with_tokens_at_the_axes():
    made = shown(np.array([3, 5]))
    record = Record("run", {}, results={"made": {"tables": made["tables"]}},
                    specimens=made["arrays"])  # fmt: skip
    with style():
        first, second = draw_pairs(record)
        words = [label.get_text() for label in first.figure.axes[0].get_xticklabels()]
    assert words == ["a", "·", "3", "(end)"]
    assert len(first.numbers) == made["arrays"]["attention_1"].size
    assert second.name == "attention_2"
    assert list(draw_pairs(replace(record, specimens=None))) == []
