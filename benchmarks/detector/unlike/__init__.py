"""Five drawn data sets that look like nothing the detector was made for.

`python -m benchmarks.detector.unlike FOLDER` writes each as `FOLDER/<set>/train` and
`FOLDER/<set>/test`, COCO folders with `annotations.json` and `images/`.
"""
