"""The leak certificate: what test and validation rows could have told the network beforehand."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from layerwise.contracts import Target
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.split import Split
from layerwise.evaluation import constants
from layerwise.evaluation.evidence import Evidence, finding, look_at, over_folds
from layerwise.evaluation.fingerprints import fingerprint
from layerwise.evaluation.leak_columns import deciding_columns, row_numbers
from layerwise.evaluation.leak_rows import (
    earlier_run,
    exact_duplicates,
    groups,
    near_duplicates,
    time_order,
)


def leak_certificate(
    source: Source,
    roles: Roles,
    target: Target,
    split: Split,
    preparation: Preparation,
    *,
    folds: Sequence[Split] = (),
    parent_rows: np.ndarray | None = None,
    seed: int = 0,
) -> dict:
    """Give the leak certificate of a split and its preparation, as JSON values.

    Above 1,000,000 rows a sample is looked at, and the certificate says so; what single columns
    decide is measured on at most 20,000 rows of a part. The test rows' targets are compared in
    one place only: whether rows with equal inputs have equal targets. With folds every fold is
    checked for duplicates, groups and the order of time, as the split of the last network is; the
    other checks are of that one.

    folds : the splits of the trainings that judge each row once
    parent_rows : (rows,) int64 or uint64, ``row_fingerprints`` of the rows that the run was
        trained on from whose weights this one starts; None where it starts from none

    Returns
    -------
    dict
        "rows": {part: {"rows", "looked_at", "fingerprint"}}, the fingerprint being that of the
        rows looked at, inputs and target, in any order; "sampled": sentence or None; "passed":
        whether no check failed; "checks": [{"name", "passed": True, False or None (not checked,
        or for a person to decide), "text", "rows" [[held-out row, other row], ...], "columns"
        [name, ...]}].
    """
    rows, sampled = look_at(split, seed)
    evidence = Evidence(source, roles, target, split, preparation, rows, seed)
    of_folds = [
        _between_parts(replace(evidence, split=fold, rows=look_at(fold, seed)[0])) for fold in folds
    ]
    checks = [
        *_of_all(evidence, of_folds),
        row_numbers(evidence),
        deciding_columns(evidence),
        constants.check(source, split, preparation),
        earlier_run(evidence, parent_rows),
    ]
    return {
        "rows": {
            part: {
                "rows": len(split.rows(part)),
                "looked_at": len(evidence.rows[part]),
                "fingerprint": fingerprint(numbers),
            }
            for part, numbers in evidence.contents.items()
        },
        "sampled": sampled,
        "passed": all(check["passed"] is not False for check in checks),
        "checks": checks,
    }


def _same_rows() -> dict:
    return finding(
        "Separate rows",
        False,
        "Training rows are the validation and test rows: nothing that is measured on them says "
        "how the network does on new data.",
    )


def _of_all(evidence: Evidence, of_folds: list[list[dict]]) -> list[dict]:
    """Give the checks that compare the parts of the split, or those of all folds."""
    if evidence.split.same_rows:
        return [_same_rows()]
    if not of_folds:
        return _between_parts(evidence)
    return over_folds(of_folds, _between_parts(evidence) if evidence.held else ())


def _between_parts(evidence: Evidence) -> list[dict]:
    """Give the checks that compare the parts; without held-out rows there is nothing to compare."""
    checks: dict[str, Callable[[Evidence], dict]] = {
        "Exact duplicates": exact_duplicates,
        "Near duplicates": near_duplicates,
        "Time order": time_order,
        "Groups": groups,
    }
    if evidence.held:
        return [check(evidence) for check in checks.values()]
    return [finding(name, None, "There are no validation or test rows.") for name in checks]
