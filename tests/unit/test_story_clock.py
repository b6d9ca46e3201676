"""The demo's time: shared by a file, moved forward only, and the true one in the end."""

from __future__ import annotations

import json
import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trust_portal.errors import Conflict, InvalidInput
from trust_portal.runtime.story_clock import StoryClock
from trust_portal.settings import load_settings

HOUR = timedelta(hours=1)
NEARLY = timedelta(seconds=2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "story-clock.json"


def off(clock: StoryClock, by: timedelta) -> bool:
    """Whether ``clock`` is behind true time by this much, give or take the time a test takes."""
    return abs(datetime.now(UTC) - by - clock.now()) < NEARLY


def test_it_runs_behind_and_follows_a_move_that_another_process_made(file: Path) -> None:
    mine, theirs = StoryClock.begin(file, 10 * HOUR), StoryClock(file)
    assert off(mine, 10 * HOUR)
    mine.move_to(mine.now() + 3 * HOUR)
    assert off(mine, 7 * HOUR)
    assert off(theirs, 7 * HOUR)
    assert theirs.behind == mine.behind


def test_between_two_moves_it_runs_on_like_any_clock(file: Path) -> None:
    clock = StoryClock.begin(file, HOUR)
    first = clock.now()
    assert timedelta(0) <= clock.now() - first < NEARLY


def test_a_moment_that_has_not_come_is_true_time_and_then_the_file_has_nothing_more_to_say(
    file: Path,
) -> None:
    clock = StoryClock.begin(file, HOUR)
    clock.move_to(datetime.now(UTC) + HOUR)
    assert clock.behind == timedelta(0)
    file.unlink()
    assert off(clock, timedelta(0))


def test_it_catches_up_at_once(file: Path) -> None:
    clock, other = StoryClock.begin(file, HOUR), StoryClock(file)
    clock.catch_up()
    assert (clock.behind, other.behind) == (timedelta(0), timedelta(0))


def test_it_is_at_least_where_it_was_moved_to(file: Path) -> None:
    clock = StoryClock.begin(file, 10 * HOUR)
    at = datetime.now(UTC) - HOUR + timedelta(milliseconds=400)
    clock.move_to(at)
    assert at <= clock.now() < at + NEARLY


def test_back_is_refused_and_nothing_moves(file: Path) -> None:
    clock = StoryClock.begin(file, HOUR)
    before = file.read_bytes()
    with pytest.raises(Conflict) as refused:
        clock.move_to(clock.now() - timedelta(minutes=5))
    assert refused.value.code == "CLOCK_GOES_BACK"
    assert file.read_bytes() == before
    assert off(clock, HOUR)


@pytest.mark.parametrize("content", ['{"behind_seconds": 36000}', "", "{", "[]", '{"behind_seconds": -5}'])
def test_a_file_that_was_set_back_or_damaged_moves_no_running_clock(file: Path, content: str) -> None:
    clock = StoryClock.begin(file, 2 * HOUR)
    file.write_text(content)
    assert off(clock, 2 * HOUR)
    file.unlink()
    assert off(clock, 2 * HOUR)


def test_a_kept_folder_keeps_its_time(file: Path) -> None:
    StoryClock.begin(file, 10 * HOUR).move_to(datetime.now(UTC) - 4 * HOUR)
    assert off(StoryClock.begin(file, 10 * HOUR), 4 * HOUR)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("soon", "is no story clock"),
        ('{"behind": 5}', "is no story clock"),
        ('{"behind_seconds": 1.5}', "a whole number"),
        ('{"behind_seconds": true}', "a whole number"),
        ('{"behind_seconds": -1}', "0 or more"),
    ],
)
def test_a_process_does_not_start_with_an_unusable_file(file: Path, content: str | None, says: str) -> None:
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidInput, match=says) as refused:
        StoryClock(file)
    assert refused.value.field == "STORY_CLOCK"


def _watch(file: Path, done: Path) -> None:
    clock, last = StoryClock(file), datetime.min.replace(tzinfo=UTC)
    while clock.behind:
        now = clock.now()
        if now < last:
            return
        last = now
    done.touch()


def test_a_process_that_never_stops_looking_sees_no_step_back_and_no_half_a_file(
    file: Path, tmp_path: Path
) -> None:
    clock = StoryClock.begin(file, 200 * HOUR)
    watcher = multiprocessing.get_context("spawn").Process(target=_watch, args=(file, tmp_path / "done"))
    watcher.start()
    for hours in range(199, -1, -1):
        clock.move_to(datetime.now(UTC) - hours * HOUR)
    clock.catch_up()
    watcher.join(30)
    assert (tmp_path / "done").exists()


def test_only_a_demo_may_name_one(file: Path) -> None:
    servers = {"DATABASE_URL": "postgresql+asyncpg:///x", "REDIS_URL": "redis:///", "STORY_CLOCK": str(file)}
    assert load_settings({**servers, "DEMO": "1"}).story_clock == file
    with pytest.raises(InvalidInput, match="only a demo") as refused:
        load_settings(servers)
    assert refused.value.field == "STORY_CLOCK"


def test_the_file_is_plain(file: Path) -> None:
    StoryClock.begin(file, timedelta(hours=10))
    assert json.loads(file.read_text()) == {"behind_seconds": 36_000}
