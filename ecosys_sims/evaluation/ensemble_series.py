"""An ensemble's daily series with its diagnostics, in the units that people read."""

from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np

from ecosys_sims import biomes
from ecosys_sims.blocks import BLOCKS, HISTORY, SITES, TRUTH
from ecosys_sims.site_table import read_site_table, read_true_parameters
from ecosys_sims.sites import SiteTable

ZERO_CELSIUS = 273.15
PER_DAY = 86400.0
# name -> (factor, offset) from file units to degC, mm day-1, g C m-2 day-1, mg CH4 m-2 day-1
UNITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("tas", "tsl"), (1.0, -ZERO_CELSIUS)),
    **dict.fromkeys(("mrsos", "wtd", "snw", "lai"), (1.0, 0.0)),
    **dict.fromkeys(("pr", "evspsbl", "mrro"), (PER_DAY, 0.0)),
    **dict.fromkeys(("gpp", "ra", "rh", "nee", "harvest"), (PER_DAY * 1000.0, 0.0)),
    **dict.fromkeys(("fch4", "fch4_diff", "fch4_ebul", "fch4_plant"), (PER_DAY * 1000000.0, 0.0)),
}
NITROGEN_OF_N2O = 28.013 / 44.013
NITROGEN = {"fn2o": PER_DAY * 365.25 * 1.0e4 * NITROGEN_OF_N2O}  # kg N2O m-2 s-1 to kg N ha-1 year-1
GROWING_CELSIUS, GROWING_DAYS = 5.0, 31  # growing season: the running mean of air temperature is above this


@dataclass(frozen=True)
class Ensemble:
    """Sites (N,), days (T,), series name -> (N, T), and hidden parameters name -> (N,)."""

    sites: SiteTable
    days: np.ndarray
    series: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.series[name]

    def of(self, *names: str) -> np.ndarray:
        """Whether each site (N,) belongs to one of these classes."""
        return np.isin(self.sites.biome, [biomes.BY_NAME[name].flag for name in names])

    @property
    def years(self) -> np.ndarray:
        """Calendar year of each day (T,)."""
        return self.days.astype("datetime64[Y]").astype(int) + 1970

    @property
    def day_of_year(self) -> np.ndarray:
        """Day of year (T,) from 0."""
        return (self.days - self.days.astype("datetime64[Y]")).astype(int)

    @property
    def month(self) -> np.ndarray:
        """Month of each day (T,), 1 to 12."""
        return self.days.astype("datetime64[M]").astype(int) % 12 + 1

    def annual(self, name: str) -> np.ndarray:
        """Annual sum (N,), mean over the years."""
        return self[name].mean(axis=1) * 365.25

    def growing(self) -> np.ndarray:
        """Days (N, T) of the growing season; a polar site may have none in a year."""
        return running_mean(self["tas"], GROWING_DAYS) > GROWING_CELSIUS

    def mean_where(self, name: str, days: np.ndarray) -> np.ndarray:
        """Mean (N,) of a series over chosen days (N, T); NaN where a site has none."""
        count = days.sum(axis=1)
        total = np.where(days, self[name], 0.0).sum(axis=1)
        return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)

    def mean_yearly_maximum(self, name: str) -> np.ndarray:
        """Highest daily value of a year (N,), mean over the years."""
        years = self.years
        return np.mean([self[name][:, years == year].max(axis=1) for year in np.unique(years)], axis=0)


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Centred running mean along the last axis, narrower at the ends."""
    total = np.cumsum(np.pad(values.astype(float), ((0, 0), (1, 0))), axis=1)
    last = values.shape[1]
    first = np.maximum(np.arange(last) - width // 2, 0)
    after = np.minimum(np.arange(last) + width // 2 + 1, last)
    return (total[:, after] - total[:, first]) / (after - first)


def read_ensemble(out: Path) -> Ensemble:
    """Read a simulation folder whose block histories were kept (`run.keep_block_histories`)."""
    parts: dict[str, list[np.ndarray]] = {}
    histories = sorted((out / BLOCKS).glob(f"b*/{HISTORY}"))
    if not histories:
        raise FileNotFoundError(f"{out}: no block histories; simulate with run.keep_block_histories")
    days = None
    for path in histories:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            for name, (factor, offset) in UNITS.items():
                if name in file.variables:
                    parts.setdefault(name, []).append(file[name][:] * np.float32(factor) + np.float32(offset))
            for name, factor in NITROGEN.items():
                if name in file.variables:
                    parts.setdefault(name, []).append(file[name][:] * np.float32(factor))
            if days is None:
                start = file["time"].units.split()[2]
                days = np.datetime64(start) + np.floor(file["time"][:]).astype(int)
    return Ensemble(
        sites=read_site_table(out / SITES),
        days=days,
        series={name: np.concatenate(blocks) for name, blocks in parts.items()},
        truth=read_true_parameters(out / TRUTH),
    )
