"""A dataset that several processes read together: each reads sites of its own, and those of a machine share series.

The series lie in files without a name that all processes of a machine map, so that none of them holds or reads what
another one does; with one process it is `Dataset.open`.
"""

import os
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emulator.data import processes
from emulator.data.dataset import Dataset
from emulator.data.dataset_file import DatasetError
from emulator.data.reading import DatasetReader, opened
from emulator.data.series import site_blocks
from emulator.data.signature import Signature


def open_together(path: str | Path, signature: Signature, *, filled_flux: bool = True) -> Dataset:
    """`Dataset.open` of all processes at once; DatasetError, on each of them, where any of them finds a fault."""
    path = Path(path)
    if processes.world_size() == 1:
        return Dataset.open(path, signature, filled_flux=filled_flux)
    hosts = processes.gather_objects(socket.gethostname())
    here = [rank for rank, host in enumerate(hosts) if host == hosts[processes.rank()]]
    place = here.index(processes.rank())
    with opened(path, signature, filled_flux=filled_flux) as reader:
        sites = len(reader.table.site_id)
        edges = [sites * number // len(here) for number in range(len(here) + 1)]
        block, fault = None, None
        try:
            block = Dataset.read(reader, slice(edges[place], edges[place + 1]))
        except (DatasetError, OSError) as error:
            fault = str(error)
        faults = [text for text in processes.gather_objects(fault) if text is not None]
        if faults or block is None:
            raise DatasetError(faults[0])
        _join_doubts(reader, here)
        gathered = _gathered(block)
        parts = [gathered[rank] for rank in here]
        common = Dataset.read(reader, slice(0, 0))
    period = None if all(part["period"] is None for part in parts) else _periods(parts, edges, len(common.time))
    return replace(
        common,
        **_sites_of(reader),
        static=torch.cat([part["static"] for part in parts]),
        period=period,
        drivers=_shared(block.drivers, edges, place, here),
        flux=_shared(block.flux, edges, place, here),
        measured=None if block.measured is None else _shared(block.measured, edges, place, here),
        uncertainty=None if block.uncertainty is None else _shared(block.uncertainty, edges, place, here),
    )


def _gathered(block: Dataset) -> list[dict[str, Any]]:
    """What is small of the sites of each process."""
    return processes.gather_objects({"static": block.static, "period": block.period})


def _sites_of(reader: DatasetReader) -> dict[str, Any]:
    table = reader.table
    biome = table.classes["biome"].codes if "biome" in table.classes else np.zeros(len(table.site_id), np.int64)
    return {
        "site_id": table.site_id, "lat": table.lat, "lon": table.lon, "biome": biome, "classes": table.classes
    }  # fmt: skip


def _periods(parts: list[dict[str, Any]], edges: list[int], days: int) -> np.ndarray:
    """First and last day of all sites; those of a process without gaps have all days."""
    whole = np.tile([0, days - 1], (edges[-1], 1))
    for part, first, last in zip(parts, edges, edges[1:], strict=False):
        if part["period"] is not None:
            whole[first:last] = part["period"]
    return whole


def _join_doubts(reader: DatasetReader, here: list[int]) -> None:
    """Let the first process tell what can hardly be of all that was read, and the others nothing."""
    parts = processes.gather_objects(([check.extremes for check in reader.flux_checks], reader.lost, reader.left_out))
    first = processes.rank() == 0
    for index, check in enumerate(reader.flux_checks):
        check.extremes = [value for rank in here for value in parts[rank][0][index]] if first else []
    reader.lost = sum(parts[rank][1] for rank in here) if first else 0
    for target in reader.left_out:
        reader.left_out[target] = sum(parts[rank][2][target] for rank in here) if first else 0


def _shared(part: Tensor, edges: list[int], place: int, here: list[int]) -> Tensor:
    """Series (N, T, V) of all sites, of which this process has `part`; in a file that the processes here map."""
    shape = (edges[-1], *part.shape[1:])
    size = max(1, part.element_size() * int(np.prod(shape)))
    name = ""
    if place == 0:
        number, name = tempfile.mkstemp(prefix="ecostep_")
        os.truncate(number, size)
        os.close(number)
    name = processes.gather_objects(name)[here[0]]
    mapped = torch.from_numpy(np.memmap(name, np.uint8, mode="r+", shape=(size,)))
    processes.barrier()
    if place == 0:
        Path(name).unlink()  # the mappings keep it
    series = mapped.view(part.dtype)[: int(np.prod(shape))].view(shape)
    for rows in site_blocks(*part.shape[:2]):
        series[edges[place] + rows.start : edges[place] + rows.stop] = part[rows]
    processes.barrier()
    return series
