"""The server for assistants, asked by a real client over standard input and output."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import SimpleITK as sitk
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.registry import job_from, verbs
from RadiomicsStudyLib.agents.job_tools import job_schema
from RadiomicsStudyLib.agents.look_tools import LOOKS
from RadiomicsStudyLib.agents.one_folder import OneFolder
from RadiomicsStudyLib.cli import main

RINGS = {"image": "ct.nrrd", "mask": "tumour.nrrd", "rings": {"outer_mm": [3]}}


@pytest.fixture
def place(tmp_path):
    """A folder with a scan and a ball in it, and a file beside the folder that is nobody's business."""
    folder = tmp_path / "study"
    folder.mkdir()
    grid = np.indices((24, 24, 24)) - 11.5
    ball = (np.square(grid).sum(axis=0) <= 36).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(ball), str(folder / "tumour.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray((30 + 40 * ball).astype(np.int16)), str(folder / "ct.nrrd"))
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret.nrrd").write_bytes((folder / "ct.nrrd").read_bytes())
    return folder


def talk(place: Path, what: Callable[[Client], Awaitable[Any]]) -> Any:
    """Start the server as an assistant's program does, and let a client ask it."""
    words = ["-m", "RadiomicsStudyLib.cli", "mcp", str(place)]
    server = StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ))

    async def connected() -> Any:
        async with Client(server) as client:
            return await what(client)

    return anyio.run(connected)


def text_of(result: Any) -> str:
    """What a tool said."""
    return result.content[0].text


def test_every_verb_is_a_tool_whose_arguments_are_those_of_its_job(place):
    async def asked(client):
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in talk(place, asked)}
    assert set(tools) == {*verbs(), *LOOKS}
    for tool in tools.values():
        Draft202012Validator.check_schema(tool.input_schema)
        assert tool.description
    assert tools["extract"].input_schema["properties"]["rings"]["properties"]["outer_mm"]["type"] == "array"
    assert set(tools["rings"].input_schema["required"]) == {"out", "image", "mask"}


def test_an_assistant_grows_rings_reads_their_table_and_sees_the_picture(place):
    steps = []

    async def on_step(fraction: float, total: float | None, message: str | None) -> None:
        steps.append((fraction, message))

    async def asked(client):
        done = await client.call_tool("rings", {**RINGS, "out": "rings"}, progress_callback=on_step)
        table = await client.call_tool("read_table", {"path": "rings/regions.csv", "columns": ["region", "voxels"]})
        names = [name for name in done.structured_content["files"] if name.endswith(".png")]
        return done, table, await client.call_tool("see_picture", {"path": names[0]})

    done, table, picture = talk(place, asked)
    assert done.structured_content["status"] == "done" and "rings/job.yaml" in done.structured_content["files"]
    voxels = {row[0]: int(row[1]) for row in table.structured_content["rows"]}
    ball = sitk.GetArrayFromImage(sitk.ReadImage(str(place / "tumour.nrrd")))
    assert voxels["intratumour"] == ball.sum()
    assert set(voxels) == {"intratumour", "ring_0_3mm"}
    assert base64.b64decode(picture.content[0].data).startswith(b"\x89PNG")
    assert steps and steps[-1][0] <= 1


def test_what_leads_out_of_the_folder_is_refused_and_nothing_is_written(place, tmp_path):
    (place / "link.nrrd").symlink_to(tmp_path / "secret.nrrd")
    (place / "dicom").mkdir()
    (place / "dicom" / "1.dcm").symlink_to(tmp_path / "secret.nrrd")
    (place / "cohort.csv").write_text("case_id,ct_image,ct_mask\na,../secret.nrrd,tumour.nrrd\n")
    attempts = (
        ("rings", {**RINGS, "image": "../secret.nrrd", "out": "rings"}),
        ("rings", {**RINGS, "image": str(tmp_path / "secret.nrrd"), "out": "rings"}),
        ("rings", {**RINGS, "image": "link.nrrd", "out": "rings"}),
        ("rings", {**RINGS, "image": "dicom", "out": "rings"}),
        ("rings", {**RINGS, "out": "../rings"}),
        ("extract", {"cohort": "cohort.csv", "out": "rings"}),
        ("read_text", {"path": "../secret.txt"}),
        ("read_text", {"path": str(tmp_path / "secret.txt")}),
        ("list_files", {"folder": ".."}),
        ("see_picture", {"path": "link.nrrd"}),
    )

    async def asked(client):
        return [await client.call_tool(name, arguments) for name, arguments in attempts]

    before = {path.name for path in tmp_path.rglob("*")}
    for (name, arguments), result in zip(attempts, talk(place, asked), strict=True):
        assert result.is_error, (name, arguments)
        assert "outside the folder" in text_of(result) and len(text_of(result).splitlines()) == 1
        assert str(tmp_path) not in text_of(result) or str(tmp_path) in json.dumps(arguments)
    assert {path.name for path in tmp_path.rglob("*")} == before


def test_a_wrong_setting_or_file_is_one_line_and_the_server_lives_on(place):
    (place / "notes.csv").write_text("not a scan")
    attempts = (
        ("rings", {**RINGS, "rings": {"outer": [3]}, "out": "rings"}, "did you mean"),
        ("rings", {**RINGS, "rings": {"outer_mm": [-3]}, "out": "rings"}, "-3"),
        ("rings", {**RINGS, "image": "notes.csv", "out": "rings"}, "notes.csv"),
        ("rings", {**RINGS}, "out is missing"),
        ("rings", {**RINGS, "out": "."}, "whole folder"),
        ("rings", {**RINGS, "out": "ct.nrrd"}, "a file"),
        ("no_such_verb", {}, "no tool"),
        ("read_table", {"path": "cohort.csv"}, "cohort.csv"),
        ("see_picture", {"path": "ct.nrrd"}, "no PNG"),
        ("read_text", {"path": "ct.nrrd"}, "no text"),
    )

    async def asked(client):
        results = [await client.call_tool(name, arguments) for name, arguments, _ in attempts]
        return results, await client.call_tool("list_files", {})

    results, listed = talk(place, asked)
    for (name, _, words), result in zip(attempts, results, strict=True):
        assert result.is_error and words in text_of(result), (name, text_of(result))
        assert str(place) not in text_of(result)
    assert set(listed.structured_content["files"]) >= {"ct.nrrd", "tumour.nrrd"}
    assert "rings/" not in listed.structured_content["files"]


def test_a_call_that_is_given_up_ends_the_jobs_process(place):
    many = "\n".join(f"c{k},ct.nrrd,tumour.nrrd" for k in range(400))
    (place / "cohort.csv").write_text(f"case_id,ct_image,ct_mask\n{many}\n")

    steps = []

    async def asked(client):
        with anyio.CancelScope() as call:

            async def give_up(fraction: float, total: float | None, message: str | None) -> None:
                steps.append(fraction)
                if fraction > 0:
                    call.cancel()

            arguments = {"cohort": "cohort.csv", "measure": {"preset": "wu2021"}, "workers": 1, "out": "features"}
            ended = await client.call_tool("extract", arguments, progress_callback=give_up)
            raise AssertionError(f"the job came to its end: {text_of(ended)}")
        return await client.call_tool("rings", {**RINGS, "out": "rings"})

    # The second job waits for the end of the first.
    assert talk(place, asked).structured_content["status"] == "done"
    assert steps and not (place / "features" / "features.csv").exists()
    assert 0 < len(list((place / "features" / "cases").iterdir())) < 400


def test_without_the_sdk_one_line_says_what_to_install(place, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel", None)
    assert main(["mcp", str(place)]) == 2
    assert "peritumoral-radiomics[mcp]" in capsys.readouterr().err
    assert main(["mcp", str(place / "nowhere")]) == 2
    assert "no folder" in capsys.readouterr().err


def test_the_schema_lets_through_what_the_job_writes_and_refuses_what_it_does_not_know():
    job = job_from({"verb": "extract", "cohort": "cohort.csv", "rings": {"outer_mm": [3, 6]}})
    check = Draft202012Validator(job_schema("extract"))
    plain = {**job.to_dict(), "out": "features"}
    assert list(check.iter_errors(plain)) == []
    assert job_from({"verb": "extract", **{name: value for name, value in plain.items() if name != "out"}}) == job
    assert list(check.iter_errors({**plain, "ringz": 3}))
    assert list(check.iter_errors({**plain, "rings": {"plane": "sideways"}}))


def test_a_text_that_is_no_path_passes_and_one_that_leads_out_does_not(place):
    folder = OneFolder(place)
    values = {
        "verb": "rings",
        "image": "ct.nrrd",
        "mask": "rt.dcm",
        "roi": "GTV left/right",
        "rings": {"outer_mm": [3]},
    }
    folder.check(job_from(values, folder=place))
    with pytest.raises(InputError, match="outside"):
        folder.check(job_from({**values, "roi": "../../etc/passwd"}, folder=place))
