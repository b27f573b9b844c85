"""The same model on a GPU: its kernels compiled by NVRTC, and where there is none, built for this processor."""
