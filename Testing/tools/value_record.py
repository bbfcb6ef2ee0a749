"""Every number that the command line makes of a small cohort, as one table; and what differs between two of them.

A change of the house, such as files that move, must leave every value as it is. Make a record before, one after, and
compare:

    python Testing/tools/value_record.py make before.csv
    python Testing/tools/value_record.py make after.csv
    python Testing/tools/value_record.py compare before.csv after.csv

The program is run as a user runs it, from this file's own tree, on 24 synthetic patients and three patients with
soft-tissue sarcoma (CT and PET, of ../shared/data or PERITUMORAL_SHARED_DATA). Where words of the command line change,
change them in ``JOBS``: a record's cells are named by the job's name here, never by its words. ``compare`` exits 1 if a
value differs or is missing, ``make`` if a job failed.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from value_cells import Cell, as_number, folder_cells

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")
PROGRAM = ("-m", "RadiomicsStudyLib.cli")
SARCOMAS = ("STS_002", "STS_005", "STS_023")
PACKAGES = ("numpy", "scipy", "SimpleITK", "scikit-image", "scikit-learn", "PyWavelets", "lifelines", "torch", "monai")

# Words that many jobs share. One process a job: two jobs run at a time.
ONE = "--workers 1"
COHORT = f"{ONE} --no-pictures"
RINGS_COHORT = f"{COHORT} --keep-air"
# Values as they were before grey levels followed the unit and before rings left air out.
AS_BEFORE = "--keep-air --bins published"
EXTRACT = f"{ONE} {AS_BEFORE} --no-overlays"
DEATH = "--time follow_up_days --event death --id case_id --formats svg"
TABLES = "--features radiomics={extract}/features.csv cnn={train}/signatures.csv"
FUSE = "--endpoint recurrence --folds 3 --inner-folds 2 --formats svg"

# Name of the job: words of the command line. {name} is the folder of a job or the file of INPUTS with that name; -o and
# the job's own folder are put behind. A job stands below those that it needs.
JOBS: dict[str, str] = {
    "sample_cohort": "sample-cohort {sample_cohort} --patients 24 --seed 1",
    # the sarcomas, which need nothing that is made
    "sts_extract": f"extract {{sts}} --rings 3,6 --union --preset wu2021 --save-masks {EXTRACT}",
    "sts_wavelets_pet": f"extract {{sts}} --rings 3 --preset zhang2024 --phases pet {EXTRACT}",
    "sts_rings_ct": "rings {sts_images}/STS_023/CT.nii.gz {sts_images}/STS_023/CT_tumour.nii.gz --rings 3,6 "
    "--layout bands --ring-window=-150,250 --supersampling --keep-air",
    "sts_deep": f"deep-features {{sts}} --rings 3 {RINGS_COHORT}",
    "sts_cox": f"cox {{sts_clinical}} --covariates age,sex --reference sex=male --bootstrap 10 {DEATH}",
    # features
    "extract": f"extract {{cohort}} --rings 3,6 --union --parameters {{parameters}} {EXTRACT}",
    "second_reader": f"extract {{cohort}} --rings 3,6 --union --parameters {{parameters}} --reader 2 {EXTRACT}",
    "extract_adaptive": "extract {few} --adaptive 1/6,2/6 --plane largest_slice --inner-rim 2 --preset wu2021 "
    + EXTRACT,
    "extract_bands": "extract {few} --rings 3,6 --layout bands --gap 1 --ring-window=-150,250 --supersampling "
    f"--preset wu2021 --profile ibsi {EXTRACT}",
    "extract_wavelets": f"extract {{few}} --rings 3 --preset liu2025 {EXTRACT}",
    "extract_pyradiomics": f"extract {{few}} --rings 3 --parameters {{parameters}} --engine pyradiomics {EXTRACT}",
    "extract_perturbed": "extract {few} --rings 3 --parameters {parameters} --perturb 2 --perturb-volume 0.1 --seed 3 "
    + EXTRACT,
    "rings": "rings {sample_cohort}/sample_002/ct.nii.gz {sample_cohort}/sample_002/ct_tumour.nii.gz "
    "--adaptive 1/4,2/4 --plane every_slice --organ {sample_cohort}/sample_002/ct_organ.nii.gz --keep-air",
    # networks
    "train": "train {cohort} --endpoints recurrence --region intra_ring_0_3mm --rings 3 --folds 2 --epochs 2 "
    + RINGS_COHORT,
    "deep": f"deep-features {{cohort}} --rings 3 {RINGS_COHORT}",
    "train_survival": "train {cohort} --study liu2025 --time follow_up_days --event death --size 16 --batch-size 8 "
    f"--epochs 1 {COHORT}",
    "train_segmentation": f"train {{few}} --task segmentation --width 4 --size 64 --epochs 1 {COHORT}",
    "deep_trained": f"deep-features {{few}} --weights {{train}}/model --source probability --reader 2 {RINGS_COHORT}",
    "deep_perturbed": "deep-features {few} --rings 3 --regions ring_0_3mm --perturb 1 --pooling maximum "
    + RINGS_COHORT,
    "deep_survival": f"deep-features {{few}} --weights {{train_survival}}/model {RINGS_COHORT}",
    "apply": f"apply {{train}}/model {{sts}} {COHORT}",
    "apply_segmentation": f"apply {{train_segmentation}}/model {{few}} {COHORT}",
    "explain": f"explain {{few}} {{train}}/model {COHORT}",
    # fusion and sweep
    "fuse": f"fuse {{unsplit}} {TABLES} --readings {{second_reader}}/features.csv --classifiers lr,nb,rf --repeats 2 "
    + FUSE,
    "fuse_options": f"fuse {{unsplit}} {TABLES} --classifiers svm,knn,lda,mlp --repeats 1 --selector mrmr --largest 4 "
    f"--signature-for region --fused-on training --bundle refit --difference-p-below 0.5 {FUSE}",
    "fuse_split": f"fuse {{clinical}} {TABLES} --classifiers lr --repeats 1 {FUSE}",
    "sweep": "fuse {unsplit} --features radiomics={extract}/features.csv --classifiers lr --repeats 1 --sweep "
    f"--permutations 19 {FUSE}",
    "apply_fused": f"apply {{fuse}}/model {{unsplit}} {TABLES} --formats svg",
    "contributions": f"contributions {{fuse}}/model {TABLES} --cases sample_001,sample_002",
    "correlation": "correlation --features radiomics={extract}/features.csv deep={deep_few}",
    # survival
    "cox": f"cox {{clinical}} --split split --covariates age,sex --horizons 365,730 --bootstrap 20 {DEATH}",
    "cox_backward": f"cox {{unsplit}} --covariates age,sex,stage --selection backward --cutoff youden --horizons 365 "
    f"--bootstrap 10 {DEATH}",
    "cox_lasso": "cox {joined} --readings {second_reader}/features.csv --icc-above 0.8 --univariable-p 0.5 "
    f"--selection lasso --folds 4 --horizons 365,1095 --bootstrap 4 {DEATH}",
    "validate": "validate {cox}/model {clinical} --split split --horizons 365,730 --groups 3 "
    f"--subgroups sex,age --cut age=62 --against {{cox_backward}}/model --bootstrap 10 {DEATH}",
    "predict": "predict {cox}/model {clinical} --id case_id --horizons 365,730",
    "nomogram": "nomogram {cox}/model --horizons 365 --patient age=61 --patient sex=male --formats svg",
    "logistic": "logistic {clinical} --event recurrence --id case_id --split split --covariates age,sex --bootstrap 20 "
    "--formats svg",
    "predict_logistic": "predict {logistic}/model {clinical} --id case_id",
}
# Jobs that name their folder themselves.
OWN_FOLDER = {"sample_cohort"}

# File of the record before: its name after, where a change of the house gave it another one.
RENAMED_FILES: dict[str, str] = {}


# ---------------------------------------------------------------- files that jobs read
def shared_data() -> Path:
    """The folder of the real patients' images."""
    return Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _text(rows: Sequence[Mapping[str, str]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _is_file_column(name: str) -> bool:
    return name.endswith(("_image", "_mask"))


def _without_files(rows: Sequence[Mapping[str, str]], *others: str) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if not _is_file_column(k) and k not in others} for row in rows]


def _with_paths(rows: Sequence[Mapping[str, str]], folder: Path) -> list[dict[str, str]]:
    return [{k: str(folder / v) if _is_file_column(k) and v else v for k, v in row.items()} for row in rows]


def _cohort(work: Path) -> list[dict[str, str]]:
    return _rows(work / "sample_cohort" / "cohort.csv")


def _sarcomas() -> list[dict[str, str]]:
    return _rows(shared_data() / "sts" / "cohort.csv")


def _joined(work: Path) -> list[dict[str, str]]:
    features = {row["case_id"]: row for row in _rows(work / "extract" / "features.csv")}
    some = ("firstorder_Mean", "firstorder_Entropy", "glcm_Contrast", "glcm_Idm")
    return [
        row | {name: value for name, value in features[row["case_id"]].items() if name.endswith(some)}
        for row in _without_files(_cohort(work), "split", "recurrence")
    ]


@dataclass(frozen=True)
class Input:
    """A file made for the jobs: its suffix, what it is made from, and its text."""

    needs: tuple[str, ...]
    text: Callable[[Path], str]
    suffix: str = ".csv"


PARAMETERS = "imageType: {Original: {}}\nfeatureClass: {firstorder: [], glcm: []}\nsetting: {binWidth: 25}\n"
INPUTS: dict[str, Input] = {
    "parameters": Input((), lambda work: PARAMETERS, ".yaml"),
    "sts": Input(
        (),
        lambda work: _text(
            _with_paths([row for row in _sarcomas() if row["case_id"] in SARCOMAS], shared_data() / "sts")
        ),
    ),
    "sts_clinical": Input((), lambda work: _text(_without_files(_sarcomas()))),
    "cohort": Input(("sample_cohort",), lambda work: _text(_with_paths(_cohort(work), work / "sample_cohort"))),
    "few": Input(("sample_cohort",), lambda work: _text(_with_paths(_cohort(work)[:3], work / "sample_cohort"))),
    "clinical": Input(("sample_cohort",), lambda work: _text(_without_files(_cohort(work)))),
    "unsplit": Input(("sample_cohort",), lambda work: _text(_without_files(_cohort(work), "split"))),
    "joined": Input(("sample_cohort", "extract"), lambda work: _text(_joined(work))),
    "deep_few": Input(
        ("deep",),
        lambda work: _text([dict(list(row.items())[:41]) for row in _rows(work / "deep" / "features.csv")]),
    ),
}


# ---------------------------------------------------------------- making a record
@dataclass
class Run:
    """All jobs in one folder, each started once what it needs is done."""

    work: Path
    python: str = sys.executable
    exits: dict[str, str] = field(default_factory=dict)

    def needs(self, name: str) -> list[str]:
        """The jobs that a job's words name, itself aside."""
        named = re.findall(r"\{(\w+)\}", JOBS[name])
        jobs = [job for word in named for job in (INPUTS[word].needs if word in INPUTS else (word,))]
        return [job for job in dict.fromkeys(jobs) if job in JOBS and job != name]

    def words(self, name: str) -> list[str]:
        """The command of a job; the files of INPUTS that it names are written."""
        places: dict[str, str] = {"sts_images": str(shared_data() / "sts")}
        for word in re.findall(r"\{(\w+)\}", JOBS[name]):
            if word in INPUTS:
                path = self.work / f"{name}.{word}{INPUTS[word].suffix}"
                path.write_text(INPUTS[word].text(self.work), encoding="utf-8")
                places[word] = str(path)
            elif word in JOBS:
                places[word] = str(self.work / word)
        out = [] if name in OWN_FOLDER else ["-o", str(self.work / name)]
        return [self.python, *PROGRAM, *(word.format(**places) for word in JOBS[name].split()), *out]

    def job(self, name: str, before: Sequence[Future[None]]) -> None:
        """Wait for what the job needs, run it, and keep its exit code."""
        for future in before:
            future.result()
        failed = [need for need in self.needs(name) if self.exits[need] != "0"]
        if failed:
            self.exits[name] = f"not run: {', '.join(failed)}"
            print(f"{name}: {self.exits[name]}", file=sys.stderr)
            return
        started = time.monotonic()
        done = subprocess.run(self.words(name), env=environment(), cwd=self.work, capture_output=True, text=True)
        self.exits[name] = str(done.returncode)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "%" not in line]
            print(f"{name}: exit {done.returncode}\n  " + "\n  ".join(said[-5:]), file=sys.stderr)

    def all(self, names: Sequence[str]) -> None:
        """Run jobs, two at a time, in the order of the table: what a job needs has begun before it."""
        futures: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(2) as pool:
            for name in names:
                futures[name] = pool.submit(self.job, name, [futures[need] for need in self.needs(name)])
        for future in futures.values():
            future.result()

    def cells(self, names: Sequence[str]) -> Iterator[tuple[str, Cell]]:
        """Yield name of the job and cell, of all that the jobs wrote."""
        for package in PACKAGES:
            yield "environment", Cell("", package, "version", _version(package))
        for name in names:
            yield name, Cell("", "", "exit", self.exits[name])
            if (self.work / name).is_dir():
                yield from ((name, cell) for cell in folder_cells(self.work / name))


def environment() -> dict[str, str]:
    """Return the variables of a job: this tree before all others, one thread, no graphics card, no window.

    Sums in several threads, and on a graphics card, come in an order of their own.
    """
    tree = [str(ROOT / module) for module in MODULES]
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return (
        os.environ
        | one_thread
        | {
            "PYTHONPATH": os.pathsep.join([*tree, *others]),
            "CUDA_VISIBLE_DEVICES": "",
            "MPLBACKEND": "Agg",
            "QT_QPA_PLATFORM": "offscreen",
        }
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def with_needs(names: Sequence[str], run: Run) -> list[str]:
    """Return the jobs named and all that they need, in the order of the table."""
    wanted, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += run.needs(name)
    return [name for name in JOBS if name in wanted]


def make(record: Path, work: Path, only: Sequence[str]) -> int:
    """Run the jobs and write the record; return 1 if a job failed."""
    started = time.monotonic()
    run = Run(work)
    names = with_needs(only or list(JOBS), run)
    if not (shared_data() / "sts").is_dir():
        print(f"no patients in {shared_data()}: jobs on them fail", file=sys.stderr)
    run.all(names)
    count = 0
    with record.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["job", "file", "row", "column", "value"])
        for name, cell in run.cells(names):
            writer.writerow([name, *cell])
            count += 1
    failed = [name for name in names if run.exits[name] != "0"]
    spent = os.times()
    print(
        f"{count} values of {len(names)} jobs in {time.monotonic() - started:.0f} s "
        f"({spent.children_user + spent.children_system:.0f} s of a processor): {record}"
    )
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


# ---------------------------------------------------------------- comparing two records
class Difference(NamedTuple):
    """Two values of one cell, and how far they lie apart (infinity: texts)."""

    place: tuple[str, ...]
    before: str
    after: str
    absolute: float
    relative: float


def read_record(path: Path, renamed: Mapping[str, str] | None = None) -> dict[str, dict[tuple[str, ...], str]]:
    """Return job to place (file, row, column) to value.

    Raises:
        ValueError: one cell stands twice.
    """
    record: dict[str, dict[tuple[str, ...], str]] = defaultdict(dict)
    csv.field_size_limit(1 << 24)
    with path.open(newline="", encoding="utf-8") as stream:
        for job, file, row, column, value in list(csv.reader(stream))[1:]:
            place = ((renamed or {}).get(file, file), row, column)
            if place in record[job]:
                raise ValueError(f"{path}: {job} {' '.join(place)} stands twice")
            record[job][place] = value
    return dict(record)


def difference(place: tuple[str, ...], before: str, after: str) -> Difference | None:
    """Return how two values differ, None where they are the same number or text.

    Example:
        >>> difference(("t.csv", "p1", "age"), "61", "0x1.e800000000000p+5") is None
        True
        >>> difference(("t.csv", "p1", "age"), "50", "51").relative
        0.02
    """
    if before == after:
        return None
    old, new = as_number(before), as_number(after)
    if old is None or new is None:
        return Difference(place, before, after, float("inf"), float("inf"))
    if old == new or (old != old and new != new):
        return None
    apart = abs(new - old)
    return Difference(place, before, after, apart, apart / abs(old) if old else float("inf"))


def compare_job(name: str, before: Mapping[tuple[str, ...], str], after: Mapping[tuple[str, ...], str]) -> int:
    """Print what differs in a job; return the number of cells that differ or are missing."""
    if not before or not after:
        print(f"{name:20} only {'after' if after else 'before'}: {len(before) + len(after)} values")
        return len(before)
    common = [place for place in before if place in after]
    found = [difference(place, before[place], after[place]) for place in common]
    differing = [item for item in found if item is not None]
    missing = [place for place in before if place not in after]
    new = [place for place in after if place not in before]
    # Missing under its name, but a new name has the same value: renamed, most likely.
    elsewhere = Counter(before[place] for place in missing) & Counter(after[place] for place in new)
    renamed = f" ({elsewhere.total()} of the missing under a new name)" if elsewhere else ""
    print(
        f"{name:20} {len(common) - len(differing):8} equal {len(differing):6} differ "
        f"{len(missing):6} missing {len(new):6} new{renamed}"
    )
    if differing:
        numbers = [item for item in differing if item.absolute < float("inf")]
        if numbers:
            print(
                f"    greatest difference: {max(item.absolute for item in numbers):.3g} absolute, "
                f"{max(item.relative for item in numbers):.3g} relative"
            )
        for item in differing[:10]:
            print(f"    {' '.join(item.place)}: {_shown(item.before)} -> {_shown(item.after)}")
    for title, places in (("missing", missing), ("new", new)):
        for file, count in Counter(place[0] for place in places).most_common(10):
            first = next(place for place in places if place[0] == file)
            print(f"    {title}: {count} in {file or 'the job'}, such as {' '.join(first[1:])}")
    return len(differing) + len(missing)


def _shown(value: str) -> str:
    number = as_number(value)
    return repr(number) if number is not None and "0x" in value else repr(value)


def compare(before: Path, after: Path) -> int:
    """Print what differs, job by job; return 1 if anything differs or is missing."""
    old, new = read_record(before, RENAMED_FILES), read_record(after)
    wrong = sum(compare_job(name, old.get(name, {}), new.get(name, {})) for name in dict.fromkeys([*old, *new]))
    total = sum(map(len, old.values()))
    print(f"{total - wrong} of {total} values are the same" + (f", {wrong} are not" if wrong else ""))
    return int(wrong > 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or compare; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    maker = actions.add_parser("make", help="run all jobs and write the record")
    maker.add_argument("record", type=Path)
    maker.add_argument("--work", type=Path, help="keep what the jobs write in this new folder")
    maker.add_argument("--only", nargs="+", default=[], choices=list(JOBS), metavar="JOB", help="and what they need")
    comparer = actions.add_parser("compare", help="print what differs between two records")
    comparer.add_argument("before", type=Path)
    comparer.add_argument("after", type=Path)
    given = parser.parse_args(arguments)
    if given.action == "compare":
        return compare(given.before, given.after)
    if given.work is None:
        with tempfile.TemporaryDirectory() as folder:
            return make(given.record, Path(folder), given.only)
    # Jobs go on with what they find: a folder of an earlier record would be reused, not made again.
    given.work.mkdir(parents=True)
    return make(given.record, given.work.resolve(), given.only)


if __name__ == "__main__":
    sys.exit(main())
