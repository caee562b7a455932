"""Augmentation: each row by its own numbers, whatever the batch; each change against its sums."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from layerwise.contracts import Batch, Loss, Stage
from layerwise.data.augmentation import (
    CONTRAST,
    DOWN,
    FLIP,
    NUMBERS,
    RIGHT,
    ROTATE,
    Augment,
    _beta_quantiles,
)
from layerwise.data.datasets import TensorDataset
from layerwise.data.row_chance import uniforms
from layerwise.errors import SettingsError
from layerwise.training import train

EVERYTHING = {
    "flip": True, "flip_vertical": True, "crop": 2, "shift": 0.1, "rotate": 20.0, "scale": 0.2,
    "shear": 10.0, "brightness": 0.3, "contrast": 0.4, "erase": 0.5,
}  # fmt: skip
MASK = (1 << 64) - 1


def images(rows=6, channels=3, height=12, width=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, channels, height, width, generator=generator)


def batch(inputs, targets=None, keys=None):
    keys = torch.arange(len(inputs)) if keys is None else keys
    return Batch(inputs, targets, keys=keys)


def splitmix(state):
    """The generator's step and finalizer in Python's own whole numbers (Vigna 2015)."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


# -------------------------------------------------------------------- numbers of a row


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1])
def test_random_numbers_are_those_of_splitmix64(seed):
    golden, keys = 0x9E3779B97F4A7C15, [0, 1, 12345, 2**40, 2**63 - 1]
    wanted = []
    for key in keys:
        start = splitmix((seed + key * golden) & MASK)
        wanted.append([(splitmix((start + n * golden) & MASK) >> 11) / 2**53 for n in (1, 2, 3)])
    assert uniforms(seed, torch.tensor(keys), 3).tolist() == wanted


def test_splitmix64_is_the_published_one():
    assert splitmix(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF  # first number of seed 0


def test_random_numbers_are_even_and_not_related():
    drawn = uniforms(3, torch.arange(20_000), 4)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    deviation = (1 / 12 / 20_000) ** 0.5
    assert (drawn.mean(dim=0) - 0.5).abs().max() < 4 * deviation
    assert (torch.corrcoef(drawn.T) - torch.eye(4)).abs().max() < 4 / 20_000**0.5


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_row_is_changed_alike_in_every_batch(layout):
    inputs, keys = images(), torch.tensor([5, 3, 900, 2**40, 0, 17])
    augment = Augment(**EVERYTHING)
    whole = augment(batch(inputs, keys=keys), 11).inputs
    order = torch.tensor([3, 1])
    for rows in (order, order.flip(0), torch.tensor([3]), torch.tensor([0, 3, 5, 1])):
        some = inputs[rows].contiguous(memory_format=layout)
        found = augment(batch(some, keys=keys[rows]), 11).inputs
        assert torch.equal(found, whole[rows])
        assert found.is_contiguous(memory_format=layout)


def test_another_epoch_or_another_row_is_changed_otherwise():
    inputs = images(1).expand(2, -1, -1, -1).contiguous()
    augment = Augment(crop=2, rotate=20.0)
    one, other = augment(batch(inputs), 1).inputs, augment(batch(inputs), 2).inputs
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], other[0])


# ------------------------------------------------------------------------------ changes


@pytest.mark.parametrize("channels", [1, 3])
def test_flip_pad_and_crop_copy_pixels_as_they_are(channels):
    inputs = images(8, channels).contiguous(memory_format=torch.channels_last)
    drawn = uniforms(5, torch.arange(8), NUMBERS)
    found = Augment(flip=True, crop=2)(batch(inputs), 5).inputs
    padded = F.pad(inputs, (2, 2, 2, 2), mode="replicate")
    for row in range(8):
        top, left = int(drawn[row, DOWN] * 5), int(drawn[row, RIGHT] * 5)
        cropped = padded[row, :, top : top + 12, left : left + 10]
        if drawn[row, FLIP] < 0.5:
            cropped = cropped.flip(2)
        assert torch.equal(found[row], cropped)
    assert 0 < int((drawn[:, FLIP] < 0.5).sum()) < 8


def test_flips_alone_swap_whole_images():
    inputs = images(64)
    found = Augment(flip_vertical=True)(batch(inputs), 0).inputs
    same = (found == inputs).flatten(1).all(1)
    turned = (found == inputs.flip(2)).flatten(1).all(1)
    assert (same ^ turned).all()
    assert 16 < int(turned.sum()) < 48


def test_masks_move_with_their_images():
    values = torch.arange(4).repeat_interleave(3)[None, :, None].expand(6, 12, 12)
    masks = (values + 4 * values.transpose(1, 2)).contiguous()
    still = {name: value for name, value in EVERYTHING.items()
             if name not in ("brightness", "contrast", "erase")}  # fmt: skip
    exact = {name: still[name] for name in ("flip", "flip_vertical", "crop", "shift")}
    found = Augment(**exact)(batch(masks[:, None].float(), masks), 3)
    assert torch.equal(found.inputs[:, 0], found.targets.float())
    assert found.targets.dtype == torch.int64
    found = Augment(**still)(batch(masks[:, None].float(), masks), 3)
    assert set(found.targets.unique().tolist()) <= set(masks.unique().tolist())
    near = (found.inputs[:, 0] - found.targets).abs() < 0.5  # but for blends at borders
    assert near.float().mean() > 0.5
    assert not torch.equal(found.targets, masks)


def test_a_turn_is_about_the_middle_and_keeps_distances():
    inputs = torch.zeros(5, 1, 61, 41)  # no square: places along both axes count alike
    inputs[:, 0, 18:21, 29:32] = 1.0  # about (19, 30), that is -11 down and +10 right
    drawn = uniforms(2, torch.arange(5), NUMBERS)[:, ROTATE]
    found = Augment(rotate=90.0)(batch(inputs), 2).inputs[:, 0].double()
    total = found.sum(dim=(1, 2))
    down = (found.sum(2) * (torch.arange(61) - 30)).sum(1) / total
    right = (found.sum(1) * (torch.arange(41) - 20)).sum(1) / total
    angle = torch.deg2rad(90 * (2 * drawn.double() - 1))
    back = torch.stack([right, down])  # the pixel at (x, y) comes from the place A (x, y)
    x = torch.cos(angle) * back[0] - torch.sin(angle) * back[1]
    y = torch.sin(angle) * back[0] + torch.cos(angle) * back[1]
    assert_close(x, torch.full((5,), 10.0).double(), atol=0.1, rtol=0)
    assert_close(y, torch.full((5,), -11.0).double(), atol=0.1, rtol=0)


def test_scaling_changes_areas_by_at_most_its_square():
    inputs = torch.zeros(64, 1, 40, 40)
    inputs[:, :, 15:25, 15:25] = 1.0
    areas = Augment(scale=0.25)(batch(inputs), 0).inputs.sum(dim=(1, 2, 3)) / 100
    assert 1 / 1.25**2 - 0.02 < areas.min() < 0.75
    assert 1.4 < areas.max() < 1.25**2 + 0.02


def test_shearing_keeps_areas():
    inputs = torch.zeros(16, 1, 40, 40)
    inputs[:, :, 15:25, 15:25] = 1.0
    found = Augment(shear=30.0)(batch(inputs), 0).inputs
    assert_close(found.sum(dim=(1, 2, 3)), torch.full((16,), 100.0), atol=1.0, rtol=0)
    assert (found.sum(2)[:, 0, :15] > 0.5).any()  # corners reach out to the left


def test_contrast_and_brightness_are_what_they_say():
    inputs = images(4) + 3
    drawn = uniforms(9, torch.arange(4), NUMBERS)[:, CONTRAST].float()
    found = Augment(contrast=0.5)(batch(inputs), 9).inputs
    mean = inputs.mean(dim=(1, 2, 3), keepdim=True)
    factor = (1 + 0.5 * (2 * drawn - 1)).reshape(4, 1, 1, 1)
    assert_close(found, mean + factor * (inputs - mean), atol=1e-5, rtol=1e-5)
    moved = Augment(brightness=0.5)(batch(inputs), 9).inputs - inputs
    assert_close(moved, moved[:, :1, :1, :1].expand_as(moved), atol=1e-5, rtol=0)
    assert 0 < moved.abs().max() <= 0.5


def test_erased_rectangles_are_no_larger_than_asked():
    found = Augment(erase=0.5)(batch(torch.ones(200, 2, 20, 20)), 1).inputs
    lost = (found == 0).double()
    assert torch.equal(lost[:, 0], lost[:, 1])
    heights, widths = (lost[:, 0].amax(dim=axis).sum(1) for axis in (2, 1))
    assert torch.equal(heights * widths, lost[:, 0].sum(dim=(1, 2)))  # they are rectangles
    assert int(heights.max()) == 10
    assert 70 < int((heights > 0).sum()) < 130


# ------------------------------------------------------------------------------- mixing


def test_mixup_blends_rows_and_their_classes_alike():
    inputs, codes = images(5), torch.tensor([0, 1, 2, 1, 0])
    found = Augment(mixup=0.4, classes=3)(batch(inputs, codes), 4)
    own = found.targets[torch.arange(5), codes].double()
    same = codes == codes.roll(1)
    assert_close(found.targets.sum(1), torch.ones(5))
    share = own.float().reshape(5, 1, 1, 1)
    blend = share * inputs + (1 - share) * inputs.roll(1, 0)
    assert_close(found.inputs[~same], blend[~same], atol=1e-5, rtol=1e-5)
    assert same.tolist() == [True, False, False, False, False]
    assert found.targets[0].tolist() == [1, 0, 0]  # both rows are of this class


def test_cutmix_pastes_a_rectangle_and_counts_its_pixels():
    inputs = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 3, 16, 16).contiguous()
    codes = torch.arange(6)
    found = Augment(cutmix=1.0, classes=6)(batch(inputs, codes), 4)
    own = (found.inputs == inputs)[:, 0].double().mean(dim=(1, 2)).float()
    assert_close(found.targets[codes, codes], own)
    assert_close(found.targets[codes, codes.roll(1)], 1 - own)
    assert own.min() < 0.7


def test_cutmix_pastes_masks_with_their_images():
    masks = torch.arange(4).reshape(4, 1, 1).expand(4, 8, 8).contiguous()
    found = Augment(cutmix=1.0)(batch(masks[:, None].float(), masks), 1)
    assert torch.equal(found.inputs[:, 0].long(), found.targets)
    assert not torch.equal(found.targets, masks)


def test_shares_have_the_variance_of_their_beta_distribution():
    for shape in (0.2, 1.0, 3.0):
        quantiles = _beta_quantiles(shape)
        assert float(quantiles.mean()) == pytest.approx(0.5)
        assert float(quantiles.var()) == pytest.approx(1 / (4 * (2 * shape + 1)), rel=2e-3)


def test_weights_and_the_place_in_the_stage_go_along():
    given = Batch(images(4), torch.arange(4), torch.tensor([1.0, 2, 3, 4]), 0.25, torch.arange(4))
    found = Augment(mixup=1.0, classes=4)(given, 0)
    assert found.done == 0.25
    own = found.targets.diagonal()
    assert_close(found.weight, own * given.weight + (1 - own) * given.weight.roll(1))


# --------------------------------------------------------------------------- the engine


class Watched:
    """Adds every image to a book of its own: (key, times seen) -> pixels."""

    def __init__(self):
        self.seen = {}

    def losses(self, network, batch):
        for key, image in zip(batch.keys.tolist(), batch.inputs, strict=True):
            times = sum(1 for known, _ in self.seen if known == key)
            self.seen[key, times] = image.clone()
        outputs = network(batch.inputs.flatten(1))
        yield Loss(outputs.square().mean(), len(outputs))

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def learn(batch_size, *, micro_batches=1, stop=None, resume=True):
    task, network = Watched(), torch.nn.Linear(3 * 12 * 10, 2)
    stage = Stage(task, "sgd", {}, 0.01, epochs=2, batch_size=batch_size)
    data, state, step = TensorDataset(images(7)), None, 0
    options = {"seed": 3, "micro_batches": micro_batches, "augment": Augment(**EVERYTHING)}
    for progress in train(network, (stage,), data, **options):
        step, state = progress.step, progress.state()
        if step == stop:
            break
    if stop is not None:
        for _ in train(torch.nn.Linear(360, 2), (stage,), data, state=state, **options):
            pass
    return task.seen


@pytest.mark.parametrize(
    "other", [{"batch_size": 2}, {"batch_size": "all"}, {"batch_size": 4, "micro_batches": 2},
              {"batch_size": 3, "stop": 2}]
)  # fmt: skip
def test_examples_are_augmented_alike_in_other_batches_and_after_a_resume(other):
    wanted, found = learn(3), learn(**other)
    assert wanted.keys() == found.keys()
    assert len(wanted) == 14
    assert all(torch.equal(found[key], image) for key, image in wanted.items())
    assert not torch.equal(wanted[0, 0], wanted[0, 1])  # each epoch is another one


def test_mixing_refuses_pieces_of_a_batch():
    network = torch.nn.Linear(360, 2)
    stage = Stage(Watched(), "sgd", {}, 0.01, batch_size=4)
    with pytest.raises(SettingsError, match=r"mixes the rows of a batch.*micro-batches \(2\)"):
        next(train(network, (stage,), TensorDataset(images(8)), micro_batches=2,
                   augment=Augment(mixup=1.0)))  # fmt: skip


# ---------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crop": 1.5}, "augment.crop must be a whole number"),
        ({"crop": -1}, "not negative"),
        ({"shift": 1.0}, "from 0 to below 1"),
        ({"rotate": 270}, "degrees from 0 to 180"),
        ({"shear": 90}, "below 90"),
        ({"contrast": "much"}, "got 'much'"),
        ({"erase": float("nan")}, "got nan"),
        ({"flip": 0.5}, "true or false"),
        ({"mixup": 0.2, "cutmix": 1.0}, "Leave one of them out"),
    ],
)
def test_what_cannot_be_is_told(options, words):
    with pytest.raises(SettingsError, match=words):
        Augment(**options)


def test_mixup_refuses_masks():
    masks = torch.zeros(2, 4, 4, dtype=torch.int64)
    with pytest.raises(SettingsError, match="masks cannot be blended"):
        Augment(mixup=1.0)(batch(torch.zeros(2, 1, 4, 4), masks), 0)


def test_what_it_does_is_said():
    assert Augment(flip=True, crop=4, rotate=7.5).in_words() == "flip, crop 4, rotate 7.5"
    assert Augment().in_words() == "none"
    assert Augment(crop=2, classes=9).record() == {"crop": 2}
