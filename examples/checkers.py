"""A net learns checkers by playing against itself, and beats a player who moves at random.

(to be measured)

    python examples/checkers.py
"""

import time

import numpy as np
import torch

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import Rows
from layerwise.data.game import checkers_source
from layerwise.data.game_preparation import GamePreparation
from layerwise.data.roles import Roles
from layerwise.evaluation.game_specimens import show
from layerwise.networks.checkers_net import CheckersNet
from layerwise.tasks.self_play import SelfPlay
from layerwise.training import train

SEED = 0
ROUNDS = 400
SHOWN = (0, 12, 25, 50, 100, 200, ROUNDS)  # rounds after which all test games are played


def main():
    torch.set_num_threads(1)
    source = checkers_source({})
    rows = np.flatnonzero(source.parts == "train")
    preparation = GamePreparation.fit(source, Roles(), Target("none"), rows)
    task = SelfPlay(Target("none"))
    torch.manual_seed(SEED)
    network = CheckersNet(preparation.input_shape)
    stage = Stage(task, "adamw", {}, 3e-3, "cosine", epochs=ROUNDS, batch_size=256)
    practice = Rows(preparation.dataset(source), torch.from_numpy(rows))

    def tell(rounds, seconds):
        test = np.flatnonzero(source.parts == "test")
        made = show(network.eval(), task, preparation, source, test, seed=SEED)
        print(f"{rounds} rounds, {rounds * len(rows):,} positions, {seconds:.0f} CPU seconds")
        for name, how, games, won, drawn, lost, share, low, high, _ in made["tables"][0]["rows"]:
            print(
                f"  {name:9} {how:17} won {share:.3f} ({low:.3f} to {high:.3f}), "
                f"{won} won, {drawn} drawn, {lost} lost of {games}",
                flush=True,
            )

    tell(0, 0.0)
    spent, began = 0.0, time.process_time()
    for progress in train(network, (stage,), practice, seed=SEED):
        if progress.epoch_ended and progress.epoch in SHOWN:
            spent += time.process_time() - began
            tell(progress.epoch, spent)
            network.train()
            began = time.process_time()


if __name__ == "__main__":
    main()
