"""What `import tensorrt` finds in the contract tests: NVIDIA's own bindings of the
version named in the environment, over our double of its libraries.
"""

from __future__ import annotations

import os
import sys

from tests.contract.bindings import Bindings
from tests.contract.double.builder import Builder, Parser
from tests.contract.double.runtime import Runtime
from tests.contract.double.world import World, has
from tests.contract.wheels import folder

VERSION = "CAUSELINE_TEST_TENSORRT"

world = World(os.environ[VERSION])
bindings = Bindings(folder(world.version))


def _runtime(logger: int, version: int) -> int:
    if has("runtime_factory"):
        return 0
    return world.made(Runtime(world, logger)).address


def _builder(logger: int, version: int) -> int:
    if has("builder_factory"):
        return 0
    return world.made(Builder(world, logger)).address


def _parser(network: int, logger: int, version: int) -> int:
    if has("parser_factory"):
        return 0
    return world.made(Parser(world, network)).address


bindings.hook("runtime", _runtime)
bindings.hook("builder", _builder)
bindings.hook("parser", _parser)
bindings.module.causeline = world  # for the checks to look at
bindings.module.causeline_bindings = bindings  # this module is forgotten at once
sys.modules[__name__] = bindings.module
