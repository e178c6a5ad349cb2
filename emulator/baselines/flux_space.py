"""From the space that regressions work in to fluxes: transformed, bounded, with identities kept."""

from dataclasses import dataclass, replace

import numpy as np

from emulator.data.identities import Identity, sum_of_terms
from emulator.data.scalers import Scalers
from emulator.data.signature import Signature


@dataclass(frozen=True)
class FluxSpace:
    """Learned targets in standardised asinh space, as the networks use (see emulator.models.parts.layers.FluxHead).

    names: all targets; learned: positions of those that are learned, which leaves out those that identities give, such
    as nee where gpp, ra and rh are targets too; scale, mean, std, limit: (L,); positive, negative: (L,) bool, targets
    never below, or above, 0 at any site; gain: (L,) factor on the fluxes that makes up for the mean of a skewed error
    (see `with_gain`).
    """

    names: tuple[str, ...]
    learned: np.ndarray
    scale: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    limit: np.ndarray
    positive: np.ndarray
    negative: np.ndarray
    gain: np.ndarray
    identities: tuple[Identity, ...] = ()

    @classmethod
    def of(cls, signature: Signature, scalers: Scalers) -> "FluxSpace":
        """The space of a signature with the scalers of its training data."""
        names = signature.target_names
        derived = [identity.target for identity in signature.identities]
        learned = np.array([index for index in range(len(names)) if index not in derived])
        # bounds of some site classes are kept by `keep_bounds`, which knows the site
        bounds = [None if v.bounded_classes else (v.minimum, v.maximum) for v in signature.targets]
        return cls(
            names=names,
            learned=learned,
            scale=scalers.target_scale.double().numpy()[learned],
            mean=scalers.target_mean.double().numpy()[learned],
            std=scalers.target_std.double().numpy()[learned],
            limit=scalers.target_limit.double().numpy()[learned],
            positive=np.array([bounds[index] == (0.0, None) for index in learned]),
            negative=np.array([bounds[index] == (None, 0.0) for index in learned]),
            gain=np.ones(len(learned)),
            identities=signature.identities,
        )

    def standardise(self, flux: np.ndarray) -> np.ndarray:
        """(R, C) analysis units -> (R, L), NaN where missing."""
        return (np.arcsinh(flux[:, self.learned] / self.scale) - self.mean) / self.std

    def fluxes(self, standardised: np.ndarray) -> np.ndarray:
        """(R, L) -> (R, C) float32 in analysis units."""
        u = np.clip(standardised * self.std + self.mean, -self.limit, self.limit)
        learned_fluxes = self.gain * self.scale * np.sinh(u)
        learned_fluxes = np.where(self.positive, np.maximum(learned_fluxes, 0.0), learned_fluxes)
        learned_fluxes = np.where(self.negative, np.minimum(learned_fluxes, 0.0), learned_fluxes)
        fluxes = np.empty((len(learned_fluxes), len(self.names)), np.float32)
        fluxes[:, self.learned] = learned_fluxes
        for identity in self.identities:  # what inputs contribute is added by `keep_bounds`, which knows them
            fluxes[:, identity.target] = sum_of_terms(fluxes, identity.targets)
        return fluxes

    def with_gain(self, standardised: np.ndarray, flux: np.ndarray, weight: np.ndarray) -> "FluxSpace":
        """The same with the factor on each flux that gives the least squared error on some days.

        A regression in a concave space gives about the median of the flux, and the error is judged about its mean:
        Duan 1983, J. Am. Stat. Assoc. 78:605. That makes the flux too small, so the factor is not below 1, where it
        would only shrink a noisy prediction. standardised: (R, L) predicted; flux: (R, C); weight: (R,).
        """
        predicted = replace(self, gain=np.ones_like(self.gain)).fluxes(standardised)[:, self.learned].astype(np.float64)
        observed = flux[:, self.learned]
        weight = np.where(np.isfinite(observed), weight[:, None], 0.0)
        square = np.sum(weight * predicted**2, axis=0)
        product = np.sum(weight * predicted * np.nan_to_num(observed), axis=0)
        gain = np.divide(product, square, out=np.ones_like(square), where=square > 0)
        return replace(self, gain=np.clip(gain, 1.0, 2.0))
