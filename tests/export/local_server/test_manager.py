"""Versions come and go: folders are real, loads are as slow or as broken as a test wants."""

import threading
import time

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from export.local_server.config import Model, VersionPolicy
from export.local_server.models.manager import Manager, ManagerOptions
from export.local_server.models.servable import Servable
from export.tensorflow_c.status import StatusError

PATIENCE_SECS = 30
FAST = ManagerOptions(poll_secs=0.01, load_retries=0, retry_secs=0.01)


class ClosableGraph:
    """A loaded graph that knows whether it is closed."""

    def __init__(self):
        self.closed = threading.Event()

    def close(self):
        assert not self.closed.is_set()
        self.closed.set()


class Loads:
    """Loads what has a file `good` in its folder; counts tries."""

    def __init__(self):
        self.tries = []

    def __call__(self, name, version, folder):
        self.tries.append(version)
        if not (folder / "good").exists():
            raise StatusError(grpc.StatusCode.NOT_FOUND, f"nothing in {folder.name}")
        return Servable(name, version, ClosableGraph())


@pytest.fixture
def loads():
    return Loads()


@pytest.fixture
def managers():
    """Starts managers, and stops them."""
    started = []

    def start(loads, models, options=FAST):
        manager = Manager(models, loads, options)
        started.append(manager)
        manager.start()
        return manager

    yield start
    for manager in started:
        manager.stop()


def add_version(base_path, version, good=True):
    """Makes a version's folder appear whole, as the exporter does."""
    beside = base_path / f"tmp-{version}"
    beside.mkdir(parents=True)
    if good:
        (beside / "good").touch()
    beside.rename(base_path / str(version))


def model(base_path, policy="", name="gen"):
    return Model(name, base_path, text_format.Parse(policy, VersionPolicy()))


def states(manager, name="gen"):
    name_of = ModelVersionStatus.State.Name
    return {v: name_of(state.state) for v, state in manager.board.versions(name).items()}


def wait_until(condition):
    end = time.monotonic() + PATIENCE_SECS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def becomes(manager, expected, name="gen"):
    wait_until(lambda: states(manager, name) == expected)


def spec(**fields):
    return ModelSpec(name="gen", **fields)


def used_version(manager, **fields):
    with manager.use(spec(**fields)) as servable:
        return servable.version


def test_the_highest_version_is_served_and_a_higher_one_takes_its_place(tmp_path, loads, managers):
    add_version(tmp_path, 1)
    add_version(tmp_path, 2)
    manager = managers(loads, [model(tmp_path)])
    assert (used_version(manager), states(manager)) == (2, {2: "AVAILABLE"})
    add_version(tmp_path, 10)
    becomes(manager, {10: "AVAILABLE", 2: "END"})
    assert used_version(manager) == 10
    with (
        pytest.raises(StatusError, match=r"Specific\(gen, 2\)"),
        manager.use(spec(version={"value": 2})),
    ):
        pass


def test_an_old_version_stays_until_its_last_request_is_done(tmp_path, loads, managers):
    add_version(tmp_path, 1)
    manager = managers(loads, [model(tmp_path)])
    with manager.use(spec()) as old:
        with manager.use(spec()):
            add_version(tmp_path, 2)
            becomes(manager, {2: "AVAILABLE", 1: "UNLOADING"})
            assert used_version(manager) == 2
        assert not old.graph.closed.is_set()
    assert old.graph.closed.is_set()
    assert states(manager) == {2: "AVAILABLE", 1: "END"}


def test_a_version_that_cannot_be_loaded_says_so_and_the_old_one_serves_on(
    tmp_path, loads, managers
):
    add_version(tmp_path, 1)
    manager = managers(loads, [model(tmp_path)])
    add_version(tmp_path, 2, good=False)
    becomes(manager, {2: "END", 1: "AVAILABLE"})
    error = manager.board.versions("gen")[2].error
    assert (error.code, error.message) == (grpc.StatusCode.NOT_FOUND, "nothing in 2")
    assert used_version(manager) == 1
    add_version(tmp_path, 3)
    becomes(manager, {3: "AVAILABLE", 2: "END", 1: "END"})
    assert loads.tries == [1, 2, 3], "a failed version is not tried at each look"


def test_a_load_is_tried_again_and_nothing_else_is_done_meanwhile(tmp_path, loads, managers):
    add_version(tmp_path / "a", 1)
    add_version(tmp_path / "b", 1)
    options = ManagerOptions(poll_secs=0.01, load_retries=200, retry_secs=0.05)
    manager = managers(loads, [model(tmp_path / "a"), model(tmp_path / "b", name="b")], options)
    add_version(tmp_path / "a", 2, good=False)
    becomes(manager, {2: "LOADING", 1: "AVAILABLE"})
    add_version(tmp_path / "b", 2)
    while loads.tries.count(2) < 4:
        time.sleep(0.01)
    assert states(manager, "b") == {1: "AVAILABLE"}
    (tmp_path / "a" / "2" / "good").touch()
    becomes(manager, {2: "AVAILABLE", 1: "END"})
    becomes(manager, {2: "AVAILABLE", 1: "END"}, "b")


def test_a_start_without_a_loadable_version_is_an_error_that_names_it(tmp_path, loads):
    add_version(tmp_path / "gen", 1)
    add_version(tmp_path / "bad", 4, good=False)
    options = ManagerOptions(poll_secs=1, load_retries=5, retry_secs=60)
    models = [model(tmp_path / "gen"), model(tmp_path / "bad", name="bad")]
    with pytest.raises(StatusError) as caught:
        Manager(models, loads, options).start()
    assert str(caught.value) == (
        "UNKNOWN: 1 model(s) did not become available: "
        "{{{name: bad version: 4} due to error: NOT_FOUND: nothing in 4}, }"
    )
    assert loads.tries == [1, 4], "one try each, so that the user hears of it now"


@pytest.mark.parametrize(
    ("folder", "text"), [("none", "Could not find base path"), ("", "No versions")]
)
def test_a_model_without_a_folder_or_a_version_is_refused(tmp_path, loads, folder, text):
    with pytest.raises(StatusError, match=text) as caught:
        Manager([model(tmp_path / folder)], loads, FAST).start()
    assert caught.value.code == grpc.StatusCode.NOT_FOUND


def test_policies_all_and_specific_keep_several_versions(tmp_path, loads, managers):
    for version in (1, 2, 3):
        add_version(tmp_path, version)
    manager = managers(loads, [model(tmp_path, "all { }")])
    assert states(manager) == {3: "AVAILABLE", 2: "AVAILABLE", 1: "AVAILABLE"}
    assert used_version(manager, version={"value": 1}) == 1
    manager = managers(loads, [model(tmp_path, "specific { versions: 1 versions: 2 }")])
    assert states(manager) == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert used_version(manager) == 2


def test_an_end_does_not_wait_for_the_next_try_of_a_load(tmp_path, loads, managers):
    add_version(tmp_path, 1)
    options = ManagerOptions(poll_secs=0.01, load_retries=5, retry_secs=86_400)
    manager = managers(loads, [model(tmp_path)], options)
    add_version(tmp_path, 2, good=False)
    wait_until(lambda: loads.tries.count(2) == 1)
    manager.stop()
    assert states(manager) == {2: "END", 1: "END"}


def test_a_version_whose_folder_is_deleted_goes_and_an_unreadable_folder_changes_nothing(
    tmp_path, loads, managers
):
    add_version(tmp_path / "gen", 1)
    add_version(tmp_path / "gen", 2)
    manager = managers(loads, [model(tmp_path / "gen", "all { }")])
    (tmp_path / "gen").rename(tmp_path / "elsewhere")
    time.sleep(0.1)
    assert states(manager) == {2: "AVAILABLE", 1: "AVAILABLE"}
    (tmp_path / "elsewhere" / "2").rename(tmp_path / "away")
    (tmp_path / "elsewhere").rename(tmp_path / "gen")
    becomes(manager, {2: "END", 1: "AVAILABLE"})


def test_no_request_ever_meets_a_closed_version_while_they_come_and_go(tmp_path, loads, managers):
    add_version(tmp_path, 1)
    manager = managers(loads, [model(tmp_path)])
    ended = threading.Event()
    seen, faults = set(), []

    def ask():
        last = 0
        while not ended.is_set():
            with manager.use(spec()) as servable:
                if servable.graph.closed.is_set() or servable.version < last:
                    faults.append(servable.version)
                last = servable.version
            seen.add(last)

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    for version in range(2, 12):
        add_version(tmp_path, version)
        wait_until(lambda version=version: states(manager).get(version) == "AVAILABLE")
    ended.set()
    for client in clients:
        client.join()
    assert faults == []
    assert len(seen) > 5
