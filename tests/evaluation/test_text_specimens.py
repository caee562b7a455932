"""What a report shows of a language model: samples, copies, and where it errs."""

import numpy as np
import pytest
import torch
from text_cases import NONE, Always, counted, lines, pieces, prepared, reviews

from layerwise.contracts import Target
from layerwise.data.roles import Roles
from layerwise.data.text_preparation import TextPreparation
from layerwise.evaluation.text_specimens import loss_by_position, show
from layerwise.tasks.masked_token import MaskedToken
from layerwise.tasks.next_token import NextToken

TASK = NextToken(NONE)


def shown(source, task=TASK):
    preparation = prepared(source)
    network = counted(preparation, source)
    rows = np.arange(len(source.frame))
    return show(network, task, preparation, source, rows, seed=0)


def test_drawn_lines_that_stand_in_the_data_are_counted():
    found = shown(lines())
    assert "Of 200 lines that it drew" in found["sentences"][1]
    (table,) = found["tables"]
    assert table["columns"] == ["line", "in the data"]
    assert len(table["rows"]) == 20
    assert {row[1] for row in table["rows"]} <= {"yes", "no"}


def test_samples_stand_beside_their_prompts():
    (table,) = shown(pieces())["tables"]
    assert len(table["rows"]) == 3
    assert all(len(text) == 300 for _, text in table["rows"])


def test_the_loss_at_each_place_is_that_of_the_text():
    source = lines()
    preparation = prepared(source)
    network = Always(torch.zeros(preparation.tokens.size))
    total, count = loss_by_position(network, preparation, source)
    assert count.tolist() == [8, 8, 8, 7, 5, 3, 2]
    assert np.allclose(total / count, np.log(preparation.tokens.size))


def test_perplexity_is_of_tokens():
    source = lines()
    preparation = prepared(source)
    network = Always(torch.zeros(preparation.tokens.size))
    found = show(network, TASK, preparation, source, np.arange(8), seed=0)
    assert f"{preparation.tokens.size}.00" in found["sentences"][0]
    assert found["arrays"]["loss_by_position"].dtype == np.float32


@pytest.mark.parametrize("task", [MaskedToken(NONE)])
def test_what_does_not_write_shows_nothing(task):
    assert shown(lines(), task) == {"sentences": [], "tables": [], "arrays": {}}


def test_labels_show_nothing():
    target = Target("binary", ("liked",), ("no", "yes"))
    source = reviews()
    preparation = TextPreparation.fit(source, Roles(target=("liked",)), target, np.arange(9))
    found = show(Always(torch.zeros(9)), None, preparation, source, np.arange(9), seed=0)
    assert found["tables"] == []
