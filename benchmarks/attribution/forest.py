"""Random-forest importance of the factors of a bundle: `... forest FOLDER`.

The usual way to do it, for its cost: a flat table, 100 trees, two cores. Reads Parquet
in the column layout; levels become numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

TREES = 100
CORES = 2
SHOWN = 5
STEP_KINDS = ("equipment", "operator", "shift", "tool")


def table_of(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """One column a factor and one row a unit; and which units are defective."""
    units = pd.read_parquet(folder / "units.parquet", columns=["unit"])["unit"]
    columns = {
        path.stem: pd.read_parquet(path).iloc[:, 0].to_numpy(dtype="float32")
        for path in sorted((folder / "readings").glob("*.parquet"))
    }
    columns |= _levels(folder / "steps.parquet", units, ["operation"], STEP_KINDS)
    columns |= _levels(folder / "lots.parquet", units, ["material"], ["lot"])
    bad = pd.read_parquet(folder / "defects.parquet", columns=["unit"])["unit"]
    return pd.DataFrame(columns), units.isin(bad).to_numpy()


def _levels(
    path: Path, units: pd.Series, by: list[str], kinds: tuple[str, ...] | list[str]
) -> dict[str, np.ndarray]:
    rows = pd.read_parquet(path)
    found = {}
    for names, own in rows.groupby(by):
        own = own.drop_duplicates("unit").set_index("unit").reindex(units)
        for kind in kinds:
            codes = pd.factorize(own[kind])[0]
            found[f"{names[0]} {kind}"] = codes.astype("float32")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    table, defective = table_of(parser.parse_args().folder)
    model = RandomForestClassifier(TREES, n_jobs=CORES, random_state=0)
    model.fit(table.fillna(table.median()), defective)
    best = np.argsort(-model.feature_importances_)[:SHOWN]
    for place in best:
        print(table.columns[place], round(float(model.feature_importances_[place]), 4))


if __name__ == "__main__":
    main()
