"""The hard cases of the engine, each a few lines, shared by one-process and two-process tests.

Run as a script under torchrun it trains every case that may be shared and saves the weights.
"""

import sys
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from layerwise.contracts import Batch, Loss, Stage
from layerwise.data.augmentation import Augment
from layerwise.errors import SettingsError
from layerwise.training import train

ROWS = 23  # odd, so that batches and shares are uneven


@dataclass
class Rows:
    """Examples in memory, with an optional weight."""

    x: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor | None = None

    def __len__(self):
        return len(self.x)

    def batch(self, indices):
        weight = None if self.weight is None else self.weight[indices]
        return Batch(self.x[indices], self.y[indices], weight)


def rows(seed=0, columns=4):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, columns, generator=generator, dtype=torch.float64)
    return Rows(x, x.sum(1, keepdim=True).sin())


class Pictures(Rows):
    """Images of 4 x 4 pixels that know their row numbers, so that they can be augmented."""

    def __init__(self):
        made = rows(columns=16)
        super().__init__(made.x.reshape(-1, 1, 4, 4), made.y)

    def batch(self, indices):
        return Batch(self.x[indices], self.y[indices], keys=torch.arange(ROWS)[indices])


class Squared:
    def losses(self, network, batch):
        yield Loss(F.mse_loss(network(batch.inputs), batch.targets), len(batch.targets))

    def outputs(self, network, batch):
        return network(batch.inputs)


class WeightedSquared:
    def losses(self, network, batch):
        errors = (network(batch.inputs) - batch.targets).square().mean(1)
        terms = batch.weight.sum()
        yield Loss((batch.weight * errors).sum() / terms, terms)


def small_net(columns=4, outputs=1, seed=1):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(columns, 6), nn.Tanh(), nn.Linear(6, outputs)).double()


class Gan(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator, self.critic = small_net(3, 4, seed=2), small_net(4, 1, seed=3)


class Adversarial:
    """Goodfellow et al. 2014; the noise is kept beside each row, so pieces equal the whole."""

    def parts(self, network):
        return {
            "critic": network.critic.parameters(),
            "generator": [{"params": list(network.generator.parameters()), "weight_decay": 0.01}],
        }

    def losses(self, network, batch):
        made, rows = network.generator(batch.targets), len(batch.targets)
        real, fake = network.critic(batch.inputs), network.critic(made.detach())
        yield Loss(F.softplus(-real).mean() + F.softplus(fake).mean(), rows, "critic")
        yield Loss(
            F.softplus(-network.critic(network.generator(batch.targets))).mean(), rows, "generator"
        )


class PersistentContrastiveDivergence:
    """Free energy of data minus that of chains that go on from step to step (Tieleman 2008)."""

    splittable = False

    def __init__(self):
        self.chains = torch.zeros(8, 4, dtype=torch.float64)

    def losses(self, network, batch):
        with torch.no_grad():
            hidden = torch.bernoulli(torch.sigmoid(network(self.chains)))
            self.chains = torch.bernoulli(torch.sigmoid(hidden @ network.weight))
        data = -F.softplus(network((batch.inputs > 0).double())).sum(1).mean()
        yield Loss(data + F.softplus(network(self.chains)).sum(1).mean(), len(batch.inputs))

    def state_dict(self):
        return {"chains": self.chains}

    def load_state_dict(self, state):
        self.chains = state["chains"].clone()


class Ragged:
    """Sequences of unequal length, padded per batch; targets of -1 are masked."""

    def __init__(self):
        generator = torch.Generator().manual_seed(5)
        self.texts = [torch.randint(0, 7, (2 + i % 9,), generator=generator) for i in range(ROWS)]

    def __len__(self):
        return len(self.texts)

    def batch(self, indices):
        chosen = [self.texts[i] for i in indices.tolist()]
        pad = nn.utils.rnn.pad_sequence
        inputs = pad([text[:-1] for text in chosen], batch_first=True)
        return Batch(inputs, pad([text[1:] for text in chosen], True, padding_value=-1))


class NextToken:
    def losses(self, network, batch):
        scores = network(batch.inputs).flatten(0, 1)
        value = F.cross_entropy(scores, batch.targets.flatten(), ignore_index=-1)
        yield Loss(value, (batch.targets >= 0).sum())


class TwoGraphs:
    """Graphs of different sizes, joined into one graph without edges between them."""

    def __init__(self):
        generator = torch.Generator().manual_seed(6)
        self.nodes = [torch.randn(3 + i % 3, 4, generator=generator).double() for i in range(ROWS)]

    def __len__(self):
        return len(self.nodes)

    def batch(self, indices):
        chosen = [self.nodes[i] for i in indices.tolist()]
        graph = torch.cat([torch.full((len(n),), g) for g, n in enumerate(chosen)])
        return Batch(
            {"nodes": torch.cat(chosen), "graph": graph},
            torch.stack([n.sum() for n in chosen])[:, None],
        )


class GraphNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.message = small_net()

    def forward(self, inputs):
        made = self.message(inputs["nodes"])
        count = int(inputs["graph"].max()) + 1
        return made.new_zeros(count, 1).index_add(0, inputs["graph"], made)


class Body(Squared):
    """Trains only the first layer; the rest is frozen."""

    def parts(self, network):
        return {"network": network[0].parameters()}


class SelfPlay(Rows):
    """Targets that the live network makes, anew each epoch."""

    def __init__(self):
        made = rows()
        super().__init__(made.x, made.y)

    def refresh(self, network):
        with torch.no_grad():
            self.y = network(self.x) + torch.randn_like(self.y) + 1

    def state_dict(self):
        return {"y": self.y}

    def load_state_dict(self, state):
        self.y = state["y"].clone()


class Ridge(nn.Linear):
    """Least squares in closed form: (X'X + 0.1) w = X'y."""

    def solve(self, batches):
        normal, right = 0.1 * torch.eye(self.in_features, dtype=torch.float64), 0.0
        for batch in batches:
            normal = normal + batch.inputs.T @ batch.inputs
            right = right + batch.inputs.T @ batch.targets
        with torch.no_grad():
            self.weight.copy_(torch.linalg.solve(normal, right).T)
            self.bias.zero_()


@dataclass
class Case:
    """How to build a case, and what the engine promises for it."""

    network: object
    dataset: object
    recipe: object
    splits: bool = True  # micro-batches and processes; else they are refused
    pure: bool = field(default=True)
    augment: object = None


def _adam(task, epochs=3, **more):
    return Stage(task, "adam", learning_rate=0.01, epochs=epochs, batch_size=6, **more)


CASES = {
    "plain": Case(small_net, rows, lambda: (_adam(Squared(), l2=0.01, l1=0.001, clip=1.0),)),
    "gan": Case(Gan, lambda: Rows(rows().x, rows(7, 3).x), lambda: (_adam(Adversarial()),)),
    "contrastive_divergence": Case(
        lambda: nn.Linear(4, 5).double(),
        rows,
        lambda: (_adam(PersistentContrastiveDivergence()),),
        splits=False,
    ),
    "ragged": Case(
        lambda: nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 7)).double(),
        Ragged,
        lambda: (_adam(NextToken()),),
    ),
    "two_graphs": Case(GraphNet, TwoGraphs, lambda: (_adam(Squared()),)),
    "three_stages": Case(
        small_net,
        rows,
        lambda: (
            _adam(Squared(), 1),
            _adam(Body(), 2, schedule="cosine"),
            Stage(Squared(), "sgd", {"momentum": 0.9}, 0.01, "plateau", {"patience": 0}, 2, 6),
        ),
    ),
    "lbfgs": Case(
        small_net,
        rows,
        lambda: (
            Stage(Squared(), "lbfgs", {"max_iter": 4}, 0.05, epochs=4, batch_size=12, l2=0.01),
        ),
    ),
    "self_play": Case(small_net, SelfPlay, lambda: (_adam(Squared()),)),
    "closed_form": Case(
        lambda: Ridge(4, 1).double(),
        rows,
        lambda: (Stage(Squared(), "closed_form", batch_size=6), _adam(Squared(), 2)),
    ),
    "augmented": Case(
        lambda: nn.Sequential(nn.Flatten(), small_net(16)),
        Pictures,
        lambda: (_adam(Squared()),),
        augment=Augment(flip=True, crop=1, rotate=30.0, scale=0.2, contrast=0.3, erase=0.5),
    ),
    "weighted": Case(
        small_net,
        lambda: Rows(rows().x, rows().y, torch.linspace(-0.2, 2, ROWS, dtype=torch.float64)),
        lambda: (_adam(WeightedSquared()),),
    ),
}


def run(case, stop_at=None, state=None, **more):
    """Train a case; with ``stop_at`` give the state after that step, else the trained network."""
    torch.manual_seed(11)
    network = case.network()
    more = {"state": state, "augment": case.augment, **more}
    engine = train(network, case.recipe(), case.dataset(), **more)
    for progress in engine:
        if progress.epoch_ended:
            engine.send(1.0)  # never better, so that a plateau schedule acts
        if progress.step == stop_at:
            return progress.state()
    return network


def weights(network):
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


if __name__ == "__main__":
    from layerwise.scaling.processes import exit_at_once, join, leave

    processes, found = join(), {}
    for name, case in CASES.items():
        try:
            found[name] = weights(run(case, processes=processes))
        except SettingsError as error:
            found[name] = str(error)
    if processes.first:
        torch.save(found, sys.argv[1])
    leave()
    exit_at_once(0)
