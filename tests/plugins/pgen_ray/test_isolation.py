import pytest

from pgen_ray import cluster

pytestmark = pytest.mark.needs("ray")


@pytest.mark.parametrize(
    ("ip", "mode", "warned"),
    [("192.0.2.7", "", True), ("192.0.2.7", "token", False), ("127.0.0.1", "", False)],
)
def test_a_cluster_that_others_can_use_is_warned_of(monkeypatch, caplog, ip, mode, warned):
    monkeypatch.setattr("ray.util.get_node_ip_address", lambda: ip)
    monkeypatch.setenv(cluster.MODE, mode)
    cluster.warn_where_open()
    assert ("docs/cluster.md" in caplog.text) == warned
