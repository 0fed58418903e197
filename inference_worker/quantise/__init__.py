"""INT8 by explicit quantisation: one ONNX file that every backend takes.

Only convolutions compute in 8 bits: symmetric int8, weights a scale for each output
channel, activations one for each tensor. The last convolutions and what follows them,
which turn features into scores and pixels, stay float. These are the rules that
TensorRT's parser sets (and ModelOpt follows), and OpenVINO and ONNX Runtime take them.
"""
