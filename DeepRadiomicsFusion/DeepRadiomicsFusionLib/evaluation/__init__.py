"""How good a classifier is: figures of merit, calibration, charts."""
