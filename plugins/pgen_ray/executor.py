"""The executor `ray`: workers on one machine or many, each with a source and a generator of its own.

Episodes are the unit. Answers come back to this process, which alone has the journal; what a worker that dies had
not told yet is asked by another.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from pgen.components import Component, Generator
from pgen.components.executor import Executor
from pgen.components.options import Options
from pgen.errors import ConfigError
from pgen.inference.pipeline import Emit, Pipeline
from pgen.records import Annotation, Sample
from pgen_ray.pickling import check_packs, pack

if TYPE_CHECKING:
    from pgen_ray.cluster import Cluster, Share
    from pgen_ray.dispatch import Annotating
    from pgen_ray.worker_pool import Crew


class RayOptions(Options):
    workers: int | None = Field(None, ge=1, le=100_000)
    """How many workers; where not given, as many as the GPUs of the cluster are enough for, or one on each machine
    where the generator computes on none."""
    address: str | None = None
    """The cluster to join, as HOST:PORT, or `auto` on one of its machines; RAY_ADDRESS where not given, and
    without that, Ray is started on this machine for the time of the run."""
    cpus: float = Field(1.0, ge=0)
    """CPUs that Ray keeps free for each worker; it decodes with two threads."""
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
    _crew: "Crew[Any] | None" = None
    _annotating: "Annotating"
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

    async def open(self, pipeline: Pipeline) -> None:
        from pgen_ray.dispatch import Annotating
        from pgen_ray.worker import Worker

        work = replace(pipeline, known=_nothing_known)
        self._annotating = await self.staffed(partial(Annotating, pipeline), Worker, work, pipeline.generator.gpus)

    def answering(self, generator: Generator) -> Generator:
        from pgen_ray.answering import RayGenerator

        return RayGenerator(generator, self)

    async def staffed[C: Crew[Any]](self, crew: "Callable[..., C]", worker: type, work: Any, gpus: float) -> "C":
        """A crew with its first worker open, each of which is made from `work` and computes on so many GPUs."""
        from pgen_ray.cluster import Cluster, Share

        options, packed = self.options, pack(work)
        wished = Share(options.workers or 1, options.cpus, options.gpus or 0.0)
        self._cluster = cluster = Cluster(options.address, wished)
        try:
            share = cluster.share(options.workers, options.cpus, options.gpus, gpus)
            made = crew(_hiring(worker, packed, share), share, cluster.offers(), options.patience)
            self._crew = made
            await made.open()
        except BaseException:
            await self.close()
            raise
        return made

    @property
    def model(self) -> str | None:
        assert self._crew is not None
        return self._crew.model

    def found(self) -> dict[str, Any]:
        return self._found

    async def run(self, groups: Iterator[list[Sample]], emit: Emit, stop: asyncio.Event) -> None:
        await self._annotating.run(groups, emit, stop)

    async def close(self) -> None:
        try:
            if self._crew is not None:
                await self._crew.close()
                self._found = self._crew.found
                self._workers = max(self._workers, self._crew.most)
                self._deaths += self._crew.deaths
        finally:
            if self._cluster is not None:
                self._cluster.close()

    def provenance(self) -> dict[str, Any]:
        return {"workers": self._workers, "deaths": self._deaths}


def _hiring(worker: type, work: bytes, share: "Share") -> Any:
    """A function that asks Ray for one more worker."""
    import ray

    actor: Any = ray.remote(worker)
    wish = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
    folder = str(Path.cwd())
    return lambda: actor.options(**wish).remote(work, folder)


def _nothing_known(sample: Sample) -> Annotation | None:
    """Stands in for the journal, which does not travel."""
    return None
