"""First names, letter by letter: what each step in the history of sequence models brings.

Nats per letter (the end of a name counts as one) of 1,602 names that were held out, in the order of
the papers. The published marks of a longer training of the same kind (makemore): Transformer 1.92
on held-out names, bigram 2.45 on the names that it counted.

Measured, one seed: 5-gram 2.040 (2.013 to 2.070), in seconds; Transformer, 45 epochs, 1.980 (1.952
to 2.008), 14 minutes of one core (20 epochs: 2.038). The other rows of the table were not run to
their end. An n-gram of order 2 has 2.455 on validation rows.

    LAYERWISE_DATA=... python examples/names.py [--epochs 45] [--only Transformer]
"""

import argparse
import time

from layerwise import Learner

SMALL = {"optimizer": "adamw", "schedule": "one_cycle", "batch_size": 128, "clip": 1.0}
NETWORKS = {  # in the order of their papers
    "bigram": ("ngram", {"order": 2}, {}),
    "5-gram": ("ngram", {"order": 5}, {}),
    "RNN": ("rnn", {"hidden": 128, "width": 32}, {**SMALL, "learning_rate": 3e-3}),
    "LSTM": ("lstm", {"hidden": 128, "width": 32}, {**SMALL, "learning_rate": 1e-2}),
    "MLP": ("neural_ngram", {}, {**SMALL, "learning_rate": 3e-3}),
    "GRU": ("gru", {"hidden": 128, "width": 32}, {**SMALL, "learning_rate": 1e-2}),
    "Transformer": (
        "transformer_decoder",
        {"layers": 4, "heads": 4, "width": 64},
        {**SMALL, "learning_rate": 3e-3},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=45)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    for name, (network, options, recipe) in NETWORKS.items():
        if chosen.only not in name:
            continue
        began = time.monotonic()
        length = {"epochs": chosen.epochs} if recipe else {}
        learner = Learner(
            network, network_options=options, validation_fraction=0.05, test_fraction=0.05,
            baselines="none", threads=1, **recipe, **length,
        ).fit("names")  # fmt: skip
        head = learner.results_["headline"]
        count = sum(one.numel() for one in learner.model_.network.parameters())
        print(
            f"{name:12} {head['value']:.3f} ({head['low']:.3f} to {head['high']:.3f}) nats, "
            f"{count:,} parameters, {time.monotonic() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
