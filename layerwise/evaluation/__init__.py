"""Judging: predictions, their intervals, baselines, mistakes; what goes into results.json."""
