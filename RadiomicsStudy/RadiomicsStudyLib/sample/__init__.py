"""Synthetic patients whose rim tells a known truth."""
