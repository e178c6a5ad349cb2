"""The daily series of a simulated ensemble with their diagnostics, in the units that people read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecosys_sims.ensemble.blocks import BLOCKS, HISTORY, SITES, TRUTH
from ecosys_sims.formats import biomes
from ecosys_sims.formats.site_table import SiteTable, read_site_table, read_true_parameters, rows_of
from ecosys_sims.formats.units import DAYS_PER_YEAR, ZERO_CELSIUS
from ecosys_sims.program.history import read_days, read_series, read_site_names

TEMPERATURES = ("tas", "tsl")  # degC here
NAMES = (
    *TEMPERATURES, "mrsos", "wtd", "snw", "lai", "pr", "evspsbl", "mrro", "gpp", "ra", "rh", "nee", "harvest", "fch4",
    "fch4_diff", "fch4_ebul", "fch4_plant",
)  # fmt: skip
GROWING_CELSIUS, GROWING_DAYS = 5.0, 31  # growing season: the running mean of air temperature is above this


@dataclass(frozen=True)
class EnsembleSeries:
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
        annual_sum: np.ndarray = self[name].mean(axis=1) * DAYS_PER_YEAR
        return annual_sum

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
        maxima = [self[name][:, years == year].max(axis=1) for year in np.unique(years)]
        return np.asarray(np.mean(maxima, axis=0))


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Centred running mean along the last axis, narrower at the ends."""
    total = np.cumsum(np.pad(values.astype(float), ((0, 0), (1, 0))), axis=1)
    last = values.shape[1]
    first = np.maximum(np.arange(last) - width // 2, 0)
    after = np.minimum(np.arange(last) + width // 2 + 1, last)
    return (total[:, after] - total[:, first]) / (after - first)


def read_ensemble_series(out: Path) -> EnsembleSeries:
    """Read a simulation folder whose block histories were kept (`run.keep_block_histories`)."""
    histories = sorted((out / BLOCKS).glob(f"b*/{HISTORY}"))
    if not histories:
        message = f"{out}: no block histories; simulate with run.keep_block_histories"
        raise FileNotFoundError(message)
    sites = read_site_table(out / SITES)
    blocks: dict[str, list[np.ndarray]] = {}
    names: list[str] = []
    for history in histories:
        names += read_site_names(history)
        for name, values in read_series(history, NAMES).items():
            offset = np.float32(-ZERO_CELSIUS if name in TEMPERATURES else 0.0)
            blocks.setdefault(name, []).append(values + offset)
    rows = rows_of(sites.site_id, names, out / BLOCKS)
    return EnsembleSeries(
        sites=sites,
        days=read_days(histories[0]),
        series={name: np.concatenate(of_blocks)[rows] for name, of_blocks in blocks.items()},
        truth=read_true_parameters(out / TRUTH, sites.site_id),
    )
