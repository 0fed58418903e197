"""TensorRT: making engines of ONNX files, and what running them needs.

One way of working for 10.16 and 11.x: networks are strongly typed, so an engine
computes in what the graph says, and no name is used that only one version has.
"""
