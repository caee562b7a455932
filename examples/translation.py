"""A Transformer translates captions better than a dictionary learned from the same 12,000 pairs.

TO FILL

    python examples/translation.py [transformer_translator] [gru_translator] [SEED...]

needs multi30k-en-de in the folder LAYERWISE_DATA.
"""

import sys
import time

import numpy as np

from layerwise import Learner

NETWORKS = ("transformer_translator", "gru_translator")
METRICS = ("chrf", "bleu")


def judged(scores: list[dict]) -> dict[str, float]:
    """Metric -> its value on the test rows."""
    return {score["name"]: score["value"] for score in scores if score["name"] in METRICS}


def one_run(network: str, seed: int) -> dict[str, float]:
    """Train, and print what the network and its baselines reach on the test rows."""
    began, busy = time.perf_counter(), time.process_time()
    learner = Learner(network=network, seed=seed, threads=1, verbose=False).fit("multi30k")
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    found = judged(learner.results_["scores"]["test"])
    print(
        f"{network}, seed {seed}: chrF {found['chrf']:.2f}, BLEU {found['bleu']:.2f}; "
        f"best epoch {learner.best_epoch_}; {seconds:.0f} s, {busy:.0f} s of a processor"
    )
    for baseline in learner.results_["baselines"]:
        values, gain = judged(baseline["scores"]), baseline["difference"]
        print(
            f"  {baseline['name']}: chrF {values['chrf']:.2f}, BLEU {values['bleu']:.2f}; the "
            f"network is {gain['value']:+.2f} chrF [{gain['low']:+.2f}, {gain['high']:+.2f}]",
            flush=True,
        )
    return found


def main() -> None:
    asked = sys.argv[1:]
    seeds = [int(word) for word in asked if word.isdecimal()] or [0, 1, 2]
    for network in [word for word in asked if word in NETWORKS] or NETWORKS:
        runs = [one_run(network, seed) for seed in seeds]
        for name in METRICS:
            values = [run[name] for run in runs]
            spread = f" +- {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
            print(f"{network}, {name}: {np.mean(values):.2f}{spread}, {len(values)} seeds")


if __name__ == "__main__":
    main()
