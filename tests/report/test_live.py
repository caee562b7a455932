import io
import sys
from subprocess import run

import pytest

from layerwise.report.live import Display, duration


def train(display, epochs, steps=10, losses=lambda: {"network": 0.5}):
    display.start(epochs * steps, 100, epochs=epochs)
    for epoch in range(1, epochs + 1):
        for step in range(steps):
            display.step((epoch - 1) * steps + step + 1, losses)
        display.epoch(
            {
                "stage": 0,
                "epoch": epoch,
                "step": epoch * steps,
                "losses": {"network": 1 / epoch},
                "scores": {"accuracy": 1 - 1 / epoch},
                "rows_per_second": 12345.6,
                "best": epoch == 1,
            }
        )
    display.close()


def test_quiet_displays_print_nothing(capsys):
    display = Display(verbose=False)
    display.decided("network", "mlp", "vectors")
    display.say("Hello.")
    train(display, 3)
    assert capsys.readouterr() == ("", "")


def test_decisions_are_aligned_and_give_their_reason(capsys):
    display = Display(verbose=True)
    display.decided("network", "mlp (64-64)", "the inputs are vectors")
    display.decided("", "a note")
    display.decided("task", "classify", "because the target has classes")
    assert capsys.readouterr().out.splitlines() == [
        "network    mlp (64-64), because the inputs are vectors",
        "           a note",
        "task       classify, because the target has classes",
    ]


def test_without_a_terminal_each_epoch_is_a_line(capsys):
    train(Display(verbose=True), 3)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "epoch 1/3  loss 1.000   accuracy 0.0000  12,346 examples/s"
    assert "(best: epoch 1)" in lines[2]
    assert len(lines) == 3


def test_long_runs_print_few_lines_and_the_last_epoch(capsys):
    train(Display(verbose=True), 1000, steps=1)
    lines = capsys.readouterr().out.splitlines()
    assert 20 <= len(lines) <= 30
    assert lines[0].startswith("epoch    1/1000")
    assert lines[-1].startswith("epoch 1000/1000")


def test_an_early_stop_prints_its_last_epoch_once(capsys):
    display = Display(verbose=True)
    display.start(1000, 100, epochs=100)
    for epoch in (1, 2):
        display.epoch({"epoch": epoch, "step": 10 * epoch, "losses": {"network": 0.1}})
    display.close()
    display.close()
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["1/100", "2/100"]


def test_losses_are_not_read_between_redraws():
    read = []

    def losses():
        read.append(1)
        return {"network": 0.5}

    train(Display(verbose=True), 5, steps=1000, losses=losses)
    assert len(read) < 5


def test_several_parts_are_named(capsys):
    display = Display(verbose=True)
    display.start(10, 100)
    losses = {"critic": 0.25, "generator": 1.5}
    display.epoch({"stage": 1, "epoch": 1, "step": 10, "losses": losses})
    assert "stage 2 epoch 1  critic loss 0.2500  generator loss 1.500" in capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_one_line_is_redrawn(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    display = Display(verbose=True)
    display.decided("network", "mlp", "vectors")
    train(display, 3)
    written = terminal.getvalue()
    assert "network" in written
    assert "epoch 3/3" in written
    assert "100%" in written
    assert written.endswith("\x1b[?25h")  # the cursor is shown again


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (1500, "25 min"), (18720, "5 h 12 min")],
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text


def test_the_display_does_not_load_matplotlib_jinja_or_torch():
    code = (
        "import sys, layerwise.report.live as live; live.Display(False); "
        "assert not {'matplotlib', 'jinja2', 'torch', 'pandas', 'rich'} & set(sys.modules)"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0
