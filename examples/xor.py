"""No straight line parts the two classes of XOR: a perceptron is right on 3 of 4 rows at best.

Minsky and Papert 1969, "Perceptrons". Best accuracy over 30 epochs of Rosenblatt's rule: 0.75 for
each of five seeds; an MLP with one hidden layer: 1.0 for each.

    python examples/xor.py
"""

from layerwise import Learner

for network in ("perceptron", "mlp"):
    best = []
    for seed in range(5):
        learner = Learner(network, baselines="none", seed=seed).fit("xor")
        best.append(float(learner.history["scores.accuracy"].max()))
    print(f"{network}: best accuracy {best}")
