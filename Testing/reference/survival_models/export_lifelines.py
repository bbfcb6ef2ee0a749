"""Write the two data sets that R's survival package lacks, from lifelines (MIT), into data/ for make_reference.R."""

from pathlib import Path

from lifelines.datasets import load_gbsg2, load_rossi

DATA = Path(__file__).with_name("data")
load_gbsg2().to_csv(DATA / "gbsg2.csv", index=False)
load_rossi().to_csv(DATA / "rossi.csv", index=False)
