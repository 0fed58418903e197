"""A double of libnvinfer behind NVIDIA's own bindings."""
