"""Checkpoints: whole or not there, the newest counts, and nothing in them is ever run."""

from __future__ import annotations

import pickle

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.networks.checkpoints import (  # noqa: E402
    BEST_FILE,
    NETWORK_FILE,
    OPTIMISER_FILE,
    STATE_FILE,
    Checkpoint,
    copy_of_state,
    last_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from RadiomicsCoreLib.errors import InputError, ModelError  # noqa: E402


def checkpoint(epochs: int) -> Checkpoint:
    network = torch.nn.Linear(3, 1)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    state = copy_of_state(network)
    return Checkpoint(epochs, state, state, {"optimiser": optimiser.state_dict()}, {"losses": [0.5] * epochs})


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    written = checkpoint(2)
    read = load_checkpoint(save_checkpoint(tmp_path, written))
    assert (read.epochs_done, read.record) == (2, {"losses": [0.5, 0.5]})
    assert torch.equal(read.network["weight"], written.network["weight"])
    moments = read.optimiser["optimiser"]["state"][0]["exp_avg"]
    assert torch.equal(moments, written.optimiser["optimiser"]["state"][0]["exp_avg"])


def test_only_the_newest_is_kept_and_a_half_written_one_does_not_count(tmp_path):
    save_checkpoint(tmp_path, checkpoint(1))
    save_checkpoint(tmp_path, checkpoint(2))
    (tmp_path / ".epoch_0003.abc.partial").mkdir()
    (tmp_path / "notes.txt").write_text("of the user")
    assert last_checkpoint(tmp_path) == tmp_path / "epoch_0002"
    save_checkpoint(tmp_path, checkpoint(10))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch_0010", "notes.txt"]


def test_a_kill_between_writing_and_deleting_leaves_the_newer_one(tmp_path):
    old = save_checkpoint(tmp_path / "a", checkpoint(4))
    new = save_checkpoint(tmp_path / "b", checkpoint(5))
    old.rename(tmp_path / "epoch_0004")
    new.rename(tmp_path / "epoch_0005")
    assert last_checkpoint(tmp_path).name == "epoch_0005"


def test_a_folder_without_one_says_so(tmp_path):
    assert last_checkpoint(tmp_path) is None
    assert last_checkpoint(tmp_path / "nowhere") is None


class Hostile:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code of the checkpoint was run')",))


def test_code_hidden_in_a_checkpoint_is_never_run(tmp_path):
    path = save_checkpoint(tmp_path, checkpoint(1))
    (path / OPTIMISER_FILE).write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ModelError, match="it was not run"):
        load_checkpoint(path)
    torch.save({"optimiser": Hostile()}, path / OPTIMISER_FILE)
    with pytest.raises(ModelError, match="it was not run"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", [NETWORK_FILE, BEST_FILE, OPTIMISER_FILE, STATE_FILE])
def test_a_torn_or_missing_file_is_said_in_one_line(tmp_path, name):
    path = save_checkpoint(tmp_path, checkpoint(1))
    whole = (path / name).read_bytes()
    (path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="Delete it to start again") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    (path / name).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        load_checkpoint(path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_checkpoint(tmp_path / "file" / "folder", checkpoint(1))
