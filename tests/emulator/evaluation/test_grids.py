"""Series of sites on their grid, and maps of them."""

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from emulator import maps, predict
from emulator.evaluation import grid_products, grids
from emulator.evaluation.grids import GridError, lattice_of
from tests.emulator.synthetic import write_dataset

LAT = np.array([-1.25, -1.25, 0.25, 1.75, 1.75], dtype=np.float32)
LON = np.array([178.75, -179.75, -178.25, 178.75, -178.25], dtype=np.float32)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Five of the nine cells of a grid of 1.5 degrees; a site lacks half a month."""
    path = write_dataset(tmp_path / "dataset.nc", sites=5, years=2)
    with netCDF4.Dataset(path, "a") as file:
        file["lat"][:] = LAT
        file["lon"][:] = LON % 360.0 - 180.0
        file["gpp"][2, 31:45] = np.ma.masked
    return path


@pytest.mark.parametrize("every", ["day", "month", "year"])
def test_a_grid_has_the_means_of_its_sites(
    dataset: Path, tmp_path: Path, every: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grids, "BYTES_AT_ONCE", 8 * 5 * 40)  # 40 days at a time
    assert maps.main([str(dataset), "--grid", str(tmp_path / "grid.nc"), "--every", every]) == 0
    with xr.open_dataset(dataset) as sites, xr.open_dataset(tmp_path / "grid.nc") as grid:
        frequency = {"day": "1D", "month": "MS", "year": "YS"}[every]
        expected = sites[["gpp", "tas"]].resample(time=frequency).mean()
        assert grid.lat.values.tolist() == [-1.25, 0.25, 1.75] and len(grid.lon) == 3
        assert grid.sizes["time"] == expected.sizes["time"]
        for name in ("gpp", "tas"):
            assert grid[name].attrs["units"] == sites[name].attrs["units"]
            assert np.isfinite(grid[name].isel(time=0)).sum() == 5
            for site in range(5):
                cell = grid[name].sel(lat=sites.lat[site], lon=sites.lon[site], method="nearest")
                np.testing.assert_allclose(cell, expected[name].isel(site=site), rtol=2e-6)
        assert (grid.time_bnds[0, 1] - grid.time_bnds[0, 0]).values == np.timedelta64(
            {"day": 1, "month": 31, "year": 365}[every], "D"
        )
        assert np.allclose(grid.lat_bnds, grid.lat.values[:, None] + [-0.75, 0.75])


def test_a_grid_is_read_as_it_was_written(dataset: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.nc", tmp_path / "second.nc"
    grids.write_grid(dataset, first, "day", ["gpp"])
    grids.write_grid(first, second, "day")
    with xr.open_dataset(first) as before, xr.open_dataset(second) as after:
        xr.testing.assert_equal(before[["gpp", "time_bnds"]], after[["gpp", "time_bnds"]])
    with grids.series_of_sites(first) as file, grids.series_of_sites(dataset, ["gpp"]) as points:
        means, wanted = grids.seasonal_means(file, "gpp"), grids.seasonal_means(points, "gpp")
        for season in ("annual", "DJF", "JJA"):
            there = means[season][np.isfinite(means[season])]
            np.testing.assert_allclose(np.sort(there), np.sort(wanted[season]), rtol=1e-6)


def test_seasons_are_means_of_their_days_in_any_blocks(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with xr.open_dataset(dataset) as sites:
        months = sites.time.dt.month
        expected = {
            "annual": sites.tas.mean("time"), "DJF": sites.tas[:, months.isin([12, 1, 2])].mean("time"),
            "SON": sites.tas[:, months.isin([9, 10, 11])].mean("time"),
        }  # fmt: skip
        monkeypatch.setattr(grids, "BYTES_AT_ONCE", 1)  # a site at a time
        with grids.series_of_sites(dataset) as series:
            means = grids.seasonal_means(series, "tas")
        for season, values in expected.items():
            np.testing.assert_allclose(means[season], values, rtol=1e-6)


def test_predictions_are_written_as_a_grid_and_as_maps(
    dataset: Path, tmp_path: Path, trained_run: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid_products, "DOTS_PER_INCH", 40)
    run = trained_run("lstm")
    out, grid, pictures = tmp_path / "out.nc", tmp_path / "grid.nc", tmp_path / "maps"
    options = ["--data", dataset, "--out", out, "--grid", grid, "--every", "year", "--maps", pictures]
    assert predict.main([str(word) for word in (run, *options)]) == 0
    with xr.open_dataset(out) as points, xr.open_dataset(grid) as file:
        assert file["gpp"].attrs["units"] == points["gpp"].attrs["units"]
        names = {name for name in points if points[name].dims == ("site", "time")}
        assert names <= set(file) and {f"{name}.png" for name in names} == {p.name for p in pictures.iterdir()}
    assert all(path.read_bytes()[:4] == b"\x89PNG" and path.stat().st_size > 5_000 for path in pictures.iterdir())


def test_sites_anywhere_are_points_on_maps_and_no_grid(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_dataset(tmp_path / "dataset.nc", sites=6, years=1)
    assert maps.main([str(path), "--maps", str(tmp_path / "maps"), "--variables", "fch4"]) == 0
    assert (tmp_path / "maps" / "fch4.png").exists()
    assert maps.main([str(path), "--grid", str(tmp_path / "grid.nc")]) == 1
    assert "sites are not the cells of a regular grid" in caplog.text
    assert not (tmp_path / "grid.nc").exists()
    assert maps.main([str(path), "--maps", str(tmp_path / "maps"), "--variables", "fch5"]) == 1
    assert "no series fch5; it has tas" in caplog.text


@pytest.mark.parametrize(("lat", "lon", "message"), [
    ([1.0, 2.0, 3.4], [0.0, 0.0, 0.0], "B is between them"),
    ([1.0, 2.0, 2.0], [0.0, 1.0, 1.0], "two sites are in the cell of B; a grid has one"),
    ([1.0, 1.0], [5.0, 5.0], "a single place is no grid"),
])  # fmt: skip
def test_places_that_are_no_grid_are_told(lat: list[float], lon: list[float], message: str) -> None:
    with pytest.raises(GridError, match=message):
        lattice_of(np.array(lat), np.array(lon), ["A", "B", "C"])


def test_single_precision_and_gaps_are_a_grid_all_the_same() -> None:
    lat = np.array([-89.95, 0.05, 0.15, 80.05], np.float32)
    lattice = lattice_of(lat, np.array([0.05, 0.15, 179.95, -179.95], np.float32), list("abcd"))
    assert lattice.cell == pytest.approx((0.1, 0.1)) and len(lattice.lat) == 1701
    assert lattice.lat[lattice.row] == pytest.approx(lat.astype(float), abs=1e-4)


@pytest.mark.parametrize(("per_degree", "cells"), [(12, 4320), (6, 2160), (120, 600)])
def test_cells_of_minutes_and_seconds_are_a_grid(per_degree: int, cells: int) -> None:
    """Their widths, such as 5 minutes, are no decimal numbers, so that rounded places are unevenly far apart."""
    lon = np.float32(-180.0 + (np.arange(cells) + 0.5) / per_degree).astype(float)
    lattice = lattice_of(np.full(cells, 10.0), lon, [str(number) for number in range(cells)])
    assert np.array_equal(lattice.column, np.arange(cells))
    assert lattice.cell[1] == pytest.approx(1.0 / per_degree, rel=1e-4)
