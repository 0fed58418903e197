"""The operators that a detector may use; every other is refused.

Taken from what detection exports of YOLOv5, v8, 11, v10, 26, YOLOX, RT-DETR,
RF-DETR, D-FINE, our own networks and their INT8 forms are made of, and the plain
arithmetic beside it. Left out is what loops, branches, draws random numbers, trains,
keeps state, decodes files or handles text, sequences and optionals.
"""

from __future__ import annotations

_LAYERS = """
AveragePool BatchNormalization Conv ConvTranspose DeformConv DepthToSpace Dropout
Flatten Gemm GlobalAveragePool GlobalMaxPool GridSample GroupNormalization
InstanceNormalization LRN LayerNormalization LpNormalization MatMul MaxPool
NonMaxSuppression RMSNormalization Resize RoiAlign SpaceToDepth
"""
_ACTIVATIONS = """
Celu Clip Elu Erf Gelu HardSigmoid HardSwish Hardmax LeakyRelu LogSoftmax Mish PRelu
Relu Selu Sigmoid Softmax Softplus Softsign Swish Tanh ThresholdedRelu
"""
_ARITHMETIC = """
Abs Add And ArgMax ArgMin Atan BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
Cast CastLike Ceil Cos CumSum Div Einsum Equal Exp Floor Greater GreaterOrEqual IsInf
IsNaN Less LessOrEqual Log Max Mean Min Mod Mul Neg Not Or Pow Reciprocal ReduceL1
ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
ReduceSum ReduceSumSquare Round Sign Sin Sqrt Sub Sum Tan Where Xor
"""
_SHAPES = """
Compress Concat Constant ConstantOfShape Expand EyeLike Gather GatherElements GatherND
Identity NonZero OneHot Pad Range Reshape ScatterElements ScatterND Shape Size Slice
Split Squeeze Tile TopK Transpose Trilu Unsqueeze
"""
_QUANTISED = """
ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv
QLinearMatMul QuantizeLinear
"""

ALLOWED = frozenset(
    f"{_LAYERS} {_ACTIVATIONS} {_ARITHMETIC} {_SHAPES} {_QUANTISED}".split()
)
# Two spellings of ONNX's own.
DOMAINS = frozenset(("", "ai.onnx"))
