"""The preview waits for a pause, and the longer it takes the longer it waits."""

from __future__ import annotations

import time

import pytest

from PeritumoralSlicerLib.panel.slice_preview import LONGEST_WAIT_MS, WAIT_MS, Debounced


@pytest.fixture
def done(window):
    """Moments at which the work was done."""
    return []


def test_work_waits_for_a_pause_and_is_done_once(done, wait_until):
    debounced = Debounced(lambda: done.append(time.monotonic()))
    started = time.monotonic()
    for number in range(5):
        debounced.ask(number)
        end = time.monotonic() + WAIT_MS / 3000
        wait_until(lambda end=end: time.monotonic() > end)
    wait_until(lambda: done)
    assert len(done) == 1
    assert done[0] - started >= 5 * WAIT_MS / 3000 + WAIT_MS / 1000 * 0.6


def test_the_same_occasion_asks_for_nothing(done, wait_until):
    debounced = Debounced(lambda: done.append(1))
    debounced.ask("same")
    wait_until(lambda: done)
    debounced.ask("same")
    end = time.monotonic() + 2 * WAIT_MS / 1000
    wait_until(lambda: time.monotonic() > end)
    assert done == [1]


@pytest.mark.parametrize("way", ["forget", "settle"])
def test_what_was_asked_for_can_be_left_undone(done, wait_until, way):
    debounced = Debounced(lambda: done.append(1))
    debounced.ask("first")
    if way == "forget":
        debounced.forget()
    else:
        debounced.settle("first")
        debounced.ask("first")
    end = time.monotonic() + 2 * WAIT_MS / 1000
    wait_until(lambda: time.monotonic() > end)
    assert done == []


def test_long_work_is_done_less_often(done, wait_until):
    debounced = Debounced(lambda: iter([time.sleep(0.4), done.append(time.monotonic())]))
    debounced.ask(1)
    wait_until(lambda: done)
    asked = time.monotonic()
    debounced.ask(2)
    wait_until(lambda: len(done) == 2)
    assert done[1] - asked >= 0.4 + 0.35
    assert LONGEST_WAIT_MS >= 1000


def test_steps_are_done_one_by_one_and_given_up_for_what_is_asked_next(done, wait_until):
    def work():
        number = len(asked)
        for step in range(5):
            done.append((number, step))
            yield

    asked = [1]
    debounced = Debounced(work)
    debounced.ask("first")
    wait_until(lambda: len(done) == 2)
    asked.append(2)
    debounced.ask("second")
    wait_until(lambda: (2, 4) in done)
    assert done == [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4)]


def test_steps_that_ask_for_more_are_not_done_twice(done, wait_until):
    def work():
        done.append(len(done))
        if len(done) == 1:
            debounced.ask("again")
        yield
        done.append("end")

    debounced = Debounced(work)
    debounced.ask("first")
    wait_until(lambda: "end" in done)
    assert done == [0, 1, "end"]
