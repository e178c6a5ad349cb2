"""Where a parameter of the process model changes nothing, and why: what one-at-a-time designs warn of.

Every other parameter changes some state or flux at every biome; a test perturbs each of them at each biome.
"""

from ecosys_sims import biomes

WETLANDS = frozenset(biome.name for biome in biomes.BIOMES if biome.wetland)
UPLANDS = frozenset(biomes.BY_NAME) - WETLANDS

# parameter -> biomes at whose defaults it has no effect, and the reason
WITHOUT_EFFECT: dict[str, tuple[frozenset[str], str]] = {}


def why_without_effect(name: str, biome: str) -> str | None:
    """The reason for which a parameter changes nothing at a biome; None where it does change something."""
    where, reason = WITHOUT_EFFECT.get(name, (frozenset(), ""))
    return reason if biome in where else None
