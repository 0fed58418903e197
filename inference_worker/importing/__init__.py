"""Make version folders of ours out of other people's ONNX files.

`recognise` finds the family a network comes from, `graft` builds its decoding into the
graph, `release` writes the folder.
"""
