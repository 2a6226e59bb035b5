"""The benchmark of workers: what it refuses before it starts any."""

import pytest

from tools.benchmark.multi_worker.team import check_counts


def test_more_workers_than_cores_are_refused():
    check_counts([1, 2], 2)
    with pytest.raises(ValueError, match=r"of 2 here\. Received: workers=1,4\. Lower --workers"):
        check_counts([1, 4], 2)
