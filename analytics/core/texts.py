"""Columns of text: stripped, blank where there is nothing, and as codes of names.

Works on Arrow arrays, which hash and compare text of a million rows without making a
million objects of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics.core.arrays import Codes
from analytics.core.errors import wrong_type

TEXT = pa.large_string()


def is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
    )


def is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    )


def refuse_other(file: str, name: str, values: pa.ChunkedArray) -> None:
    """:raises BundleError: the values are neither text nor spelled in one way only."""
    if not _can_be_text(values.type):
        raise wrong_type(file, name, values, "text")


def _can_be_text(kind: pa.DataType) -> bool:
    """Text, or what has one obvious spelling: a number is a name, too."""
    if pa.types.is_dictionary(kind):
        return _can_be_text(kind.value_type)
    return bool(
        is_text(kind)
        or is_number(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def stripped(values: pa.ChunkedArray) -> pa.Array:
    """One array of text without spaces at either end; "" where there is nothing."""
    text = values.cast(TEXT).combine_chunks()
    return pc.utf8_trim_whitespace(text.fill_null(""))


def coded(values: pa.ChunkedArray) -> pd.Categorical:
    """Stripped text as codes of its sorted names; "" is a name like others."""
    if not pa.types.is_dictionary(values.type):
        values = values.cast(TEXT).dictionary_encode()
    whole = values.unify_dictionaries().combine_chunks()
    said = stripped(pa.chunked_array([whole.dictionary]))
    place = whole.indices.fill_null(len(said)) if whole.null_count else whole.indices
    if whole.null_count:
        said = pa.concat_arrays([said, pa.array([""], TEXT)])
    names = pc.unique(said)
    names = names.take(pc.sort_indices(names))
    codes = pc.index_in(said, value_set=names).take(place)
    return categorical(_numbers(codes), pd.CategoricalDtype(_index(names)))


def categorical(codes: Codes, kind: pd.CategoricalDtype) -> pd.Categorical:
    """Codes of known categories, trusted: -1 would be a missing value."""
    return pd.Categorical.from_codes(codes, dtype=kind, validate=False)


@dataclass(frozen=True)
class UnitNames:
    """The names of all units in their order: Arrow's array, and as categories."""

    array: pa.Array
    kind: pd.CategoricalDtype

    @classmethod
    def of(cls, array: pa.Array) -> UnitNames:
        return cls(array, pd.CategoricalDtype(_index(array)))

    def places(self, values: pa.ChunkedArray) -> Codes:
        """Place of each named unit; -1 where there is none of that name."""
        if not len(values):
            return np.zeros(0, dtype=np.int32)
        places = pc.index_in(values.cast(TEXT), value_set=self.array)
        if places.null_count:
            places = pc.index_in(stripped(values), value_set=self.array)
        return _numbers(places.fill_null(-1))

    def column(self, places: Codes) -> pd.Series:
        """The units at these places."""
        return pd.Series(categorical(places, self.kind))


def _numbers(places: pa.Array | pa.ChunkedArray) -> Codes:
    return np.asarray(places.to_numpy(), dtype=np.int32)


def _index(names: pa.Array) -> pd.Index:
    index: pd.Index = pd.Index(pd.array(names, dtype="str"))
    return index
