"""Classes that inherit from torch's: the only files that import torch at their top.

Nothing imports them at file scope; the functions that build networks do, so that importing the library costs
nothing where torch is missing.
"""
