"""Files that must be refused, each with the rule that it breaks."""

from __future__ import annotations

from tests.untrusted.hostile import (
    bombs,
    encoding,
    growth,
    order,
    quantity,
    requests,
    tensors,
)
from tests.untrusted.models import Files

FILES: Files = {
    **encoding.FILES,
    **requests.FILES,
    **tensors.FILES,
    **quantity.FILES,
    **order.FILES,
    **bombs.FILES,
    **growth.FILES,
}
