"""The executor `ray`: workers on one machine or many, each with a source and a generator of its own.

Groups of items go to workers, and results come back to this process, which alone has the journal. What a worker that
dies had not reported yet is done by another.
"""

import asyncio
import inspect
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from pgen.components import Component, Executor, Options, Recorder, Work
from pgen.errors import ConfigError

if TYPE_CHECKING:
    from pgen_ray.cluster import Cluster, Share
    from pgen_ray.dispatch import Dispatcher


def pack(value: Any) -> bytes:
    """Return the value as bytes, including classes of a script or a notebook."""
    from ray import cloudpickle

    data: bytes = cloudpickle.dumps(value)
    return data


def check_packs(component: Component) -> None:
    """Raise ConfigError where the component would arrive changed, or not at all."""
    name = f"{component.kind} {component.name}"
    if _holds_more(component):
        raise ConfigError(
            f"executor ray: the {name} was made from more than its options, which workers would not receive. Give "
            f"{type(component).__name__} a __reduce__, or use the executor local."
        )
    try:
        pickle.loads(pack(component))
    except Exception as error:  # what it holds may raise anything
        raise ConfigError(
            f"executor ray: the {name} cannot be sent to workers ({type(error).__name__}: {error}). What it holds has "
            "to be picklable; open files and connections belong into its `open`."
        ) from None


def _holds_more(component: Component) -> bool:
    cls = type(component)
    if cls.__reduce__ is not Component.__reduce__ or cls.__init__ is Component.__init__:
        return False
    kinds = {parameter.kind for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]}
    return kinds != {inspect.Parameter.VAR_KEYWORD}


class RayOptions(Options):
    workers: int | None = Field(None, ge=1, le=100_000)
    """How many workers. By default as many as the GPUs of the cluster suffice for, or one per machine where the
    generator computes on none."""
    address: str | None = None
    """The cluster to join, as HOST:PORT, or `auto` on one of its machines; RAY_ADDRESS where not given, and
    without that, Ray is started on this machine for the time of the run."""
    cpus: float = Field(1.0, ge=0)
    """CPUs that Ray keeps free for each worker; it decodes with four threads, or more on more than eight cores."""
    gpus: float | None = Field(None, ge=0)
    """GPUs that each worker has for itself; where not given, what the generator computes on, if there are any: one
    for qwen-transformers on a GPU, none for a server elsewhere."""
    patience: float = Field(120.0, gt=0, allow_inf_nan=False)
    """Seconds that are waited for a worker while there is none."""

    @field_validator("address")
    @classmethod
    def _of_a_cluster(cls, value: str | None) -> str | None:
        if value is None or value == "auto":
            return value
        host, _, port = value.rpartition(":")
        if "://" in value or not host or not port.isdigit():
            raise ValueError("an address is HOST:PORT, or auto; start pgen on one of the cluster's machines")
        return value


class RayExecutor(Executor[RayOptions]):
    """Workers of Ray: on this machine, or on a cluster that is joined by its address."""

    name = "ray"
    _dispatcher: "Dispatcher | None" = None
    _cluster: "Cluster | None" = None
    _workers = _deaths = 0

    def check(self, components: Sequence[Component]) -> None:
        if find_spec("ray") is None:
            raise ConfigError("executor ray needs Ray; install it with `pip install 'lerobot-pgen[ray]'`.")
        for component in components:
            check_packs(component)

    def plan(self) -> str:
        workers = "as many workers as there is room for"
        if self.options.workers is not None:
            workers = f"{self.options.workers:,} workers"
        address = self.options.address or os.environ.get("RAY_ADDRESS")
        return f"ray, {workers}, {f'on the cluster {address}' if address else 'on this machine'}"

    async def open(self, work: Work) -> None:
        from pgen_ray.cluster import Cluster, Share
        from pgen_ray.dispatch import Dispatcher

        options, packed = self.options, pack(work)
        wanted = Share(options.workers or 1, options.cpus, options.gpus or 0.0)
        self._cluster = cluster = Cluster(options.address, wanted)
        try:
            share = cluster.share(options.workers, options.cpus, options.gpus, work.generator.gpus)
            spawn = _spawning(packed, share)
            self._dispatcher = Dispatcher(work, spawn, share, cluster.capacity(), options.patience)
            await self._dispatcher.open()
        except BaseException:
            await self.close()
            raise

    @property
    def model(self) -> str | None:
        assert self._dispatcher is not None
        return self._dispatcher.model

    def generator_provenance(self) -> dict[str, Any]:
        assert self._dispatcher is not None
        return self._dispatcher.provenance

    async def run(self, groups: Iterator[list[Any]], recorder: Recorder, stop: asyncio.Event) -> None:
        assert self._dispatcher is not None
        await self._dispatcher.run(groups, recorder, stop)

    async def close(self) -> None:
        try:
            if self._dispatcher is not None:
                await self._dispatcher.close()
                self._workers = max(self._workers, self._dispatcher.peak)
                self._deaths += self._dispatcher.deaths
        finally:
            if self._cluster is not None:
                self._cluster.close()

    def provenance(self) -> dict[str, Any]:
        return {"workers": self._workers, "deaths": self._deaths}


def _spawning(work: bytes, share: "Share") -> "Callable[[], Any]":
    """Return a function that asks Ray for one more worker."""
    import ray

    from pgen_ray.worker import Worker

    actor: Any = ray.remote(Worker)
    resources = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
    folder = str(Path.cwd())
    return lambda: actor.options(**resources).remote(work, folder)
