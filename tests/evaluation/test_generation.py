"""Text is drawn token by token, streamed, and repeatable."""

import codecs

import pytest
import torch
from text_cases import POEM, Always, counted, lines, pieces, prepared, reviews
from torch import nn

from layerwise.contracts import Target
from layerwise.data.roles import Roles
from layerwise.data.text_preparation import TextPreparation
from layerwise.data.tokens import END, START
from layerwise.errors import DataError, SettingsError
from layerwise.evaluation.generation import draw_tokens, generate, generate_lines, prompt_tokens


@pytest.fixture(scope="module")
def poet():
    source = pieces()
    preparation = prepared(source)
    return counted(preparation, source, order=6), preparation


@pytest.fixture(scope="module")
def namer():
    source = lines()
    preparation = prepared(source)
    return counted(preparation, source, order=3), preparation


def test_it_goes_on_as_it_learned(poet):
    text = "".join(generate(*poet, "the cat sat", length=30, temperature=0))
    written = "the cat sat" + text
    assert all(written[at : at + 6] in POEM for at in range(len(written) - 5))


def test_the_seed_decides(poet):
    first, same, other = ("".join(generate(*poet, "the", length=40, seed=s)) for s in (1, 1, 2))
    assert first == same != other


def test_tokens_come_one_by_one(poet):
    stream = generate(*poet, "the", length=1000)
    assert len(next(stream)) == 1


def test_a_line_ends(namer):
    text = list(generate(*namer, "ban", length=500, seed=1))
    assert len(text) < 100


def test_lines_are_drawn_side_by_side(namer):
    drawn = generate_lines(*namer, 50, seed=0)
    assert len(drawn) == 50
    assert len(set(drawn)) > 10
    assert set("".join(drawn)) <= set("ahnb")
    assert drawn == generate_lines(*namer, 50, seed=0)


def test_drawing_leaves_torchs_generator_as_it_was(namer):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    generate_lines(*namer, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_window_slides(poet):
    network, preparation = poet
    seen = []

    class Watched(nn.Module):
        def per_token(self, inputs):
            seen.append(inputs.shape[1])
            return network.per_token(inputs)

    "".join(generate(Watched(), preparation, "the", length=20))
    assert max(seen) == preparation.context == 8


def test_characters_of_several_bytes_come_whole():
    source = pieces("日本語 " * 20, tokens="bytes")
    preparation = prepared(source)
    network = counted(preparation, source, order=6)
    text = list(generate(network, preparation, "日本", length=30, temperature=0))
    assert set("".join(text)) <= set("日本語 ")
    codecs.encode("".join(text), "utf-8")


class TestDraws:
    def test_marks_are_never_drawn(self):
        scores = torch.tensor([[9.0, 9, 0, 9, 9, 0]]).expand(500, -1)
        drawn = draw_tokens(scores, 1.0, 0, torch.Generator().manual_seed(0))
        assert set(drawn.tolist()) == {2, 5}

    def test_top_k_draws_from_the_likeliest(self):
        scores = torch.tensor([[0.0, 0, 0, 0, 0, 3, 2, 1]]).expand(500, -1)
        drawn = draw_tokens(scores, 1.0, 2, torch.Generator().manual_seed(0))
        assert set(drawn.tolist()) == {5, 6}

    def test_temperature_divides_the_log_chances(self):
        scores = torch.tensor([[0.0, 0, -99, 0, 0, 1, 0]]).expand(20000, -1)
        drawn = draw_tokens(scores, 0.5, 0, torch.Generator().manual_seed(0))
        share = float((drawn == 5).float().mean())
        assert share == pytest.approx(float(torch.sigmoid(torch.tensor(2.0))), abs=0.01)

    def test_no_temperature_is_the_likeliest(self):
        scores = torch.tensor([[9.0, 0, 1, 0, 0, 2, 3]])
        assert draw_tokens(scores, 0, 0, torch.Generator()).tolist() == [6]


class TestPrompts:
    def test_lines_begin_with_the_start_mark(self, namer):
        assert prompt_tokens(namer[1], "an")[0] == START
        assert prompt_tokens(namer[1], "") == [START]

    def test_other_text_begins_after_an_end_of_line(self):
        preparation = prepared(pieces("one\ntwo\n" * 9))
        assert preparation.tokens.decode(prompt_tokens(preparation, "")) == "\n"

    def test_a_prompt_of_unknown_characters(self, poet):
        with pytest.raises(DataError, match="not in the training rows: 'X', 'Y'"):
            generate(*poet, "the XY")


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"length": 0}, "length of what is generated must be 1 or more"),
            ({"temperature": -1.0}, "temperature must be 0 or more"),
            ({"temperature": float("nan")}, "temperature must be 0 or more"),
            ({"top_k": -1}, "top_k must be 0"),
        ],
    )
    def test_options(self, poet, options, says):
        with pytest.raises(SettingsError, match=says):
            generate(*poet, "the", **options)

    def test_a_network_that_says_nothing_of_tokens(self, poet):
        with pytest.raises(SettingsError, match="Linear says nothing of single tokens"):
            generate(nn.Linear(2, 2), poet[1], "the")

    def test_a_run_with_a_target(self):
        target = Target("binary", ("liked",), ("no", "yes"))
        preparation = TextPreparation.fit(reviews(), Roles(target=("liked",)), target, range(9))
        with pytest.raises(SettingsError, match="this run predicts a target"):
            generate(Always(torch.zeros(9)), preparation, "a")


def test_a_network_that_always_ends_writes_nothing(namer):
    scores = torch.zeros(namer[1].tokens.size)
    scores[END] = 99
    assert list(generate(Always(scores), namer[1], "")) == []
