"""What the doubled C++ methods take and give: the result first."""

from __future__ import annotations

import ctypes
from enum import Enum, auto
from typing import Any

POINTER = ctypes.c_void_p
BOOL, INT, LONG = ctypes.c_bool, ctypes.c_int32, ctypes.c_int64
UNSIGNED, SIZE = ctypes.c_uint32, ctypes.c_size_t


class Kind(Enum):
    """What is turned into something of Python's on the way."""

    TEXT = auto()
    SHAPE = auto()
    OBJECT = auto()


TEXT, SHAPE, OBJECT = Kind.TEXT, Kind.SHAPE, Kind.OBJECT

SIGNATURES: dict[str, tuple[Any, ...]] = {
    # runtime and engine
    "deserializeCudaEngine": (OBJECT, POINTER, SIZE),
    "setEngineHostCodeAllowed": (None, BOOL),
    "getEngineHostCodeAllowed": (BOOL,),
    "setErrorRecorder": (None, POINTER),
    "getNbIOTensors": (INT,),
    "getIOTensorName": (TEXT, INT),
    "getTensorIOMode": (INT, TEXT),
    "getTensorDataType": (INT, TEXT),
    "getTensorShape": (SHAPE, TEXT),
    "getProfileShape": (SHAPE, TEXT, INT, INT),
    "getNbOptimizationProfiles": (INT,),
    "getDeviceMemorySizeV2": (LONG,),
    "createExecutionContext": (OBJECT, INT),
    # context
    "setOptimizationProfileAsync": (BOOL, INT, POINTER),
    "setDeviceMemoryV2": (None, POINTER, LONG),
    "setInputShape": (BOOL, TEXT, SHAPE),
    "setTensorAddress": (BOOL, TEXT, POINTER),
    "setInputTensorAddress": (BOOL, TEXT, POINTER),
    "inferShapes": (INT, INT, POINTER),
    "getEngine": (OBJECT,),
    "enqueueV3": (BOOL, POINTER),
    # builder
    "createNetworkV2": (OBJECT, UNSIGNED),
    "createBuilderConfig": (OBJECT,),
    "createOptimizationProfile": (OBJECT,),
    "buildSerializedNetwork": (OBJECT, POINTER, POINTER),
    "setMemoryPoolLimit": (None, INT, SIZE),
    "addOptimizationProfile": (INT, POINTER),
    "setProgressMonitor": (None, POINTER),
    "createTimingCache": (OBJECT, POINTER, SIZE),
    "setTimingCache": (BOOL, POINTER, BOOL),
    "getTimingCache": (OBJECT,),
    "serialize": (OBJECT,),
    "setDimensions": (BOOL, TEXT, INT, SHAPE),
    "isValid": (BOOL,),
    # network
    "getNbInputs": (INT,),
    "getInput": (OBJECT, INT),
    "getNbOutputs": (INT,),
    "getOutput": (OBJECT, INT),
    "getName": (TEXT,),
    "getDimensions": (SHAPE,),
    "getType": (INT,),
    # parser
    "parse": (BOOL, POINTER, SIZE, TEXT),
    "getNbErrors": (INT,),
    "getError": (OBJECT, INT),
    "code": (INT,),
    "desc": (TEXT,),
    "file": (TEXT,),
    "line": (INT,),
    "func": (TEXT,),
    "node": (INT,),
    "nodeName": (TEXT,),
    "nodeOperator": (TEXT,),
    # host memory
    "data": (POINTER,),
    "size": (SIZE,),
    "type": (INT,),
}
