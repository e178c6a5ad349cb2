"""What a simulation would be, before anything is simulated."""

from ecosys_sims.ensemble.blocks import days_of_period
from ecosys_sims.ensemble.configuration import SimulationConfig
from ecosys_sims.ensemble.drawing import sites_of
from ecosys_sims.formats import biomes, variables


def plan(config: SimulationConfig) -> str:
    """Sites by class, site-years, blocks, and bytes of the dataset before compression, as lines of text.

    Members of a design are not counted, only their sites.
    """
    sites = sites_of(config)
    years = config.period.years + config.period.spinup_years
    lines = [f"{len(sites)} sites, {len(sites) * config.period.years} site-years ({len(sites) * years} with spin-up)"]
    for biome in biomes.BIOMES:
        count = int((sites.biome == biome.flag).sum())
        if count:
            lines.append(f"  {biome.name.replace('_', ' ')}: {count}")
    lines.append(f"{-(-len(sites) // config.run.block_size)} blocks of {config.run.block_size} sites")
    size = 4 * len(variables.DAILY) * days_of_period(config) * len(sites)
    lines.append(f"dataset: {size / 1e9:.3g} GB before compression ({config.run.store})")
    return "\n".join(lines) + "\n"
