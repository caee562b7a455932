"""What a run takes over from the one that it starts from before it can be planned: its tokens."""

from collections.abc import Mapping
from typing import Any

from layerwise.errors import SettingsError
from layerwise.run import Run


def tokens_before(settings: Any, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The tokens of the run that is started from; None where there is none, or no text in it.

    The weights of a network of text say something about those tokens only.

    settings : a Learner, for its flags
    wanted : the arguments of ``Learner.fit``
    returns : "form"; "kind", a name of ``tokens.TOKENS``; "tokens" as in its preparation.json;
        "tokens_from", {"run", "rows"}: the run that learned them, and from how many rows
    Raises SettingsError where other tokens are asked for.
    """
    if wanted.get("from_") is None:
        return None
    run = Run.open(wanted["from_"])
    before = run.read("preparation") if run.has("preparation.json") else {}
    if before.get("tokens") is None:
        return None
    inputs, tokens = before["inputs"], before["tokens"]
    kind = tokens["kind"] if "kind" in tokens else tokens["source"]["kind"]
    _check_asked(settings.data_options or {}, kind, run)
    learned = {"run": run.name, "rows": inputs["fitted"]["rows"]}
    return {
        "form": inputs["form"],
        "kind": kind,
        "tokens": tokens,
        "tokens_from": before.get("tokens_from") or learned,
    }


def _check_asked(options: Mapping[str, Any], kind: str, run: Run) -> None:
    """Raise SettingsError where the options of the data ask for other tokens than the run has."""
    known = {"tokens": kind, "vocabulary": run.read("plan")["data"]["options"].get("vocabulary")}
    for name, then in known.items():
        asked = options.get(name)
        if asked is not None and str(asked) != str(then):
            has = f"has {then}" if then is not None else "was made without it"
            raise SettingsError(
                f"--data.{name} {asked} does not fit the run '{run.folder}' of --from, which {has}:"
                " its weights are for its own tokens, which are taken over. Leave "
                f"--data.{name} out."
            )
