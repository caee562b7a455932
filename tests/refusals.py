"""What a refusal looks like from outside: one text, exit code 2, and nothing written."""

from layerwise.cli import main


def refused(words, folder, monkeypatch, capsys):
    """The one text of a command that is refused and leaves the folder as it was."""
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    code = main(words)
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("layerwise: ")
    assert err.count("\n") == 1, "more than one text"
    assert "Traceback" not in err
    assert sorted(folder.rglob("*")) == before
    return " ".join(err.split())


def written(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
