"""Recipes: read strictly with their lines, expanded, checked against a cohort."""

from __future__ import annotations

from pathlib import Path

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.text import yaml_text
from RadiomicsStudyLib.cli import main
from RadiomicsStudyLib.recipes.catalogue import PUBLISHED, find_recipe, recipe_path
from RadiomicsStudyLib.recipes.check import check_recipe
from RadiomicsStudyLib.recipes.expansion import expand, expanded_values
from RadiomicsStudyLib.recipes.recipe import recipe_of_text

MINE = """
recipe: mine
phases: [ct]
columns:
  time: days
  event: death
values:
  rings: [1.5, 3]
  folds: 5
  ablation: ""
stages:
  - name: radiomics
    verb: extract
    settings:
      cohort: "{cohort}"
      rings: {outer_mm: "{rings}"}
  - name: cox_{size in rings}
    title: Ring of {size} mm
    verb: cox
    settings:
      cohort: "{cohort}"
      time: "{time}"
      event: "{event}"
      features: {r: "{radiomics}/features.csv"}
      select: ["ct.ring_0_{size}mm.*"]
      modelling: {selection: lasso, folds: "{folds}"}
  - name: plain
    verb: cox
    when: ablation
    settings: {cohort: "{cohort}", time: "{time}", event: "{event}"}
  - name: compare
    verb: compare
    settings:
      cohort: "{cohort}"
      features: {r: "{radiomics}/features.csv"}
      models:
        "ring_{size in rings}": "{cox_{size}}/model"
        plain: "{plain}/model"
"""


def stages_of(text: str = MINE) -> dict:
    return {stage.name: stage for stage in expand(recipe_of_text(text))}


def test_a_list_makes_a_stage_an_entry_and_an_item_for_each_of_its_members():
    stages = stages_of()
    assert list(stages) == ["radiomics", "cox_1p5", "cox_3", "compare"]
    assert stages["radiomics"].settings["rings"] == {"outer_mm": [1.5, 3]}
    assert stages["cox_1p5"].settings["select"] == ["ct.ring_0_1p5mm.*"]
    assert stages["cox_1p5"].title == "Ring of 1.5 mm"
    assert stages["compare"].settings["models"] == {"ring_1p5": "{cox_1p5}/model", "ring_3": "{cox_3}/model"}
    assert stages["compare"].needs == ("radiomics", "cox_1p5", "cox_3")


def test_a_stage_whose_value_is_empty_is_left_out_and_comes_back_with_the_value():
    recipe = recipe_of_text(MINE)
    with_it = {stage.name: stage for stage in expand(recipe.changed({"ablation": "yes"}))}
    assert with_it["compare"].settings["models"]["plain"] == "{plain}/model"


def test_the_expanded_recipe_is_a_recipe_with_the_same_stages():
    recipe = recipe_of_text(MINE)
    stages = expand(recipe)
    again = expand(recipe_of_text(yaml_text(expanded_values(recipe, stages))))
    assert again == stages


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("recipe: mine", "recipes: mine", "did you mean 'recipe'"),
        ("    verb: extract", "    verb: extrct", "did you mean 'extract'"),
        ("rings: {outer_mm:", "rings: {outer_m:", "did you mean 'outer_mm'"),
        ("cox_{size in rings}\n", "cox_{size in ring}\n", "did you mean 'rings'"),
        ('event: "{event}"\n      features', 'event: "{evnt}"\n      features', "did you mean 'event'"),
        ("selection: lasso", "selection: laso", "selection"),
        ('"{cox_{size}}/model"', '"{cox_{size}x}/model"', "did you mean"),
        ("time: days", "cohort: days", "is taken"),
    ],
)
def test_an_error_names_the_line_and_the_near_word(right, wrong, told):
    line = MINE[: MINE.index(right)].count("\n") + 1
    with pytest.raises(InputError) as caught:
        findings = check_recipe(recipe_of_text(MINE.replace(right, wrong, 1), "mine.yaml"))
        raise InputError(findings[0].message if findings else "nothing was found")
    assert told in str(caught.value)
    assert f"mine.yaml, line {line}: " in str(caught.value)


def test_what_the_cohort_lacks_is_told_with_the_line_and_the_near_column(tmp_path):
    cohort = tmp_path / "cohort.csv"
    cohort.write_text("case_id,ct_image,ct_mask,day,death\na,a.nii,b.nii,3,1\n")
    found = [finding.message for finding in check_recipe(recipe_of_text(MINE, "mine.yaml"), cohort)]
    assert len(found) == 1
    assert "mine.yaml, line 5: the cohort has no column 'days' (time); did you mean 'day'?" in found[0]


def test_a_value_that_the_recipe_does_not_know_is_refused():
    with pytest.raises(InputError, match="did you mean 'rings'"):
        recipe_of_text(MINE).changed({"ring": [3]})
    assert recipe_of_text(MINE).changed({"rings": 6}).values["rings"] == [6]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_recipe_is_sound_says_its_paper_and_what_it_leaves_open(name):
    recipe = find_recipe(name)
    assert recipe.name == name
    assert check_recipe(recipe) == []
    assert "doi" in recipe.source or "Biomark" in recipe.source
    assert recipe.left_open
    assert any(stage.paper for stage in expand(recipe))


def test_the_command_line_shows_a_recipe_with_its_comments_and_checks_a_copy(tmp_path, capsys):
    assert main(["recipe", "show", "liu2025"]) == 0
    text = capsys.readouterr().out
    assert text == recipe_path("liu2025").read_text(encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("selection: lasso", "selection: lassso", 1), encoding="utf-8")
    assert main(["recipe", "check", str(mine)]) == 2
    number = next(k for k, line in enumerate(text.splitlines(), 1) if "selection: lasso" in line)
    assert f"mine.yaml, line {number}: " in capsys.readouterr().out


def test_a_recipe_that_is_no_yaml_is_told_with_its_line(tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    mine.write_text("recipe: mine\nstages:\n  - name: [\n", encoding="utf-8")
    assert main(["recipe", "check", str(Path(mine))]) == 2
    assert "line" in capsys.readouterr().err
