"""Keep Python's collector from walking again and again what lasts anyway."""

from __future__ import annotations

import gc


def settle() -> None:
    """All that this process has made so far stays as long as it does.

    To be called once it is ready. A full collection would look at each of the some
    140,000 objects that Django and its company have made, 0.1 to 0.2 s in which no
    other thread runs, and one is due every few hundred photos.
    """
    gc.collect()
    gc.freeze()
