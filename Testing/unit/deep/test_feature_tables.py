"""Feature tables joined over the cases."""

from __future__ import annotations

import pandas as pd
import pytest

from DeepRadiomicsFusionLib.tables.feature_tables import FeatureTables
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import write_csv, write_json


@pytest.fixture
def radiomics():
    return pd.DataFrame({"case_id": ["001", "002", "003"], "ct.intratumour.original_glcm_Idm": [0.1, 0.2, 0.3]})


@pytest.fixture
def deep():
    return pd.DataFrame({"case_id": ["003", "001", "009"], "ct.ring_0_3mm.resnet18_0": [3.0, 1.0, 9.0]})


def test_tables_are_joined_by_case_whatever_their_order(radiomics, deep):
    found = FeatureTables.read({"radiomics": radiomics, "deep": deep})
    assert list(found.table.index) == ["001", "003"]
    assert found.table.loc["003"].tolist() == [0.3, 3.0]
    assert found.columns["deep"] == ("ct.ring_0_3mm.resnet18_0",)
    assert found.record.regions == ("intratumour", "ring_0_3mm")
    assert found.notes == (
        "1 of 3 cases have no row in the table deep and are left out: 002",
        "1 rows of the table deep belong to no case here: 009",
    )


def test_a_file_and_its_study_are_read(radiomics, tmp_path):
    write_csv(tmp_path / "features.csv", radiomics)
    settings = {"engine": {"name": "native", "version": "1"}, "extraction": {"setting": {"binWidth": 25}}}
    write_json(tmp_path / "study.json", {"made_with": settings})
    found = FeatureTables.read({"radiomics": tmp_path / "features.csv"})
    assert found.record.engine == "native"
    assert found.record.preprocessing == {"radiomics": {"extraction": {"setting": {"binWidth": 25}}}}
    assert list(found.table.index) == ["001", "002", "003"]
    assert len(found.sha256) == 64


def test_tables_that_cannot_be_joined_are_refused(radiomics, deep, tmp_path):
    with pytest.raises(InputError, match="no feature table is given"):
        FeatureTables.read({})
    with pytest.raises(InputError, match="have no case in common"):
        FeatureTables.read({"radiomics": radiomics.iloc[1:2], "deep": deep})
    with pytest.raises(InputError, match="stands in the table a and in the table b"):
        FeatureTables.read({"a": radiomics, "b": radiomics})
    with pytest.raises(InputError, match="the table a has '001' twice"):
        FeatureTables.read({"a": pd.concat([radiomics, radiomics])})
    with pytest.raises(InputError, match="the table a has no feature column"):
        FeatureTables.read({"a": radiomics[["case_id"]]})
    write_csv(tmp_path / "x.csv", radiomics.drop(columns="case_id"))
    with pytest.raises(InputError, match="has no column 'case_id' to join it by"):
        FeatureTables.read({"a": tmp_path / "x.csv"})


def test_signatures_of_one_name_get_the_names_of_their_tables():
    """Networks of two regions both call their output relapse.signature."""
    tables = {
        name: pd.DataFrame({"case_id": ["a", "b"], "relapse.signature": [value, 0.5], f"{name}_x": [1.0, 2.0]})
        for name, value in (("tumour", 0.1), ("rim", 0.9))
    }
    found = FeatureTables.read(tables)
    assert found.columns == {
        "tumour": ("tumour.relapse.signature", "tumour_x"),
        "rim": ("rim.relapse.signature", "rim_x"),
    }
    assert found.table.loc["a", ["tumour.relapse.signature", "rim.relapse.signature"]].tolist() == [0.1, 0.9]
