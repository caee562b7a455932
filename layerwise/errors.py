"""The few errors that a user can cause. Each text says what, where, and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class LayerwiseError(Exception):
    """A mistake that the user can mend; the command line prints its text and exits with code 2."""


class DataError(LayerwiseError, ValueError):
    """The data cannot be read, or cannot be what the command asks for."""


class SettingsError(LayerwiseError, ValueError):
    """An option, a name or a combination of options that cannot be."""


class RunError(LayerwiseError):
    """A run folder that is missing, in use, or damaged."""


class MissingExtraError(LayerwiseError, ImportError):
    """An optional package is needed for what was asked."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Text that follows "X is not known.": the likeliest meant name, then all of them.

    Returns for example ``" Did you mean 'mlp'? There are: linear, mlp."``.
    """
    known = [str(other) for other in known]
    lowered = {other.lower(): other for other in known}
    close = get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    guess = f" Did you mean '{lowered[close[0]]}'?" if close else ""
    shown = ", ".join(known[:40]) + (", ..." if len(known) > 40 else "")
    return f"{guess} There are: {shown}." if known else guess
