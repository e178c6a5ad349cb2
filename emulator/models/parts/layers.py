"""Parts that models share: static features, season, output head, and a recurrent layer that runs both vectorised and
stepwise.
"""

import math
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor, nn

from emulator.data import calendar as column
from emulator.data.normals import is_normal
from emulator.data.scalers import Scalers, TargetScaling
from emulator.data.signature import Signature

Coordinates = Literal["none", "latitude", "sphere", "standardised"]
"""How a network is told the place of a site: not at all, by the sine of its latitude, as a point on the unit sphere, or
by latitude and longitude, standardised over the training sites.
"""


def mlp(inputs: int, hidden: int, outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """Two linear layers with a GELU between; (..., inputs) -> (..., outputs)."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, outputs))


@torch.no_grad()
def shrink_output(network: nn.Sequential, factor: float) -> None:
    """Start the last layer of a network with weights that much smaller and without bias."""
    output = network[-1]
    assert isinstance(output, nn.Linear)
    output.weight.mul_(factor)
    output.bias.zero_()


def tanh(values: Tensor) -> Tensor:
    """tanh; of series (T, B, ...) by way of the logistic function, of which torch's is five times as fast on CPUs."""
    if values.dim() == 2:
        return torch.tanh(values)
    return 2.0 * torch.sigmoid(2.0 * values) - 1.0


def dropout_mask(hidden: Tensor, days: int, probability: float) -> Tensor:
    """What dropout multiplies the hidden states of a whole series with, (T, B, H): 0 or 1 / (1 - probability).

    hidden: (B, H), of which only shape, type and device matter; days: T.
    """
    ones = torch.ones([days, hidden.shape[0], hidden.shape[1]], dtype=hidden.dtype, device=hidden.device)
    return nn.functional.dropout(ones, probability, True)


class PreciseLinear(nn.Linear):
    """A linear layer that is computed in double precision and rounded.

    For layers of few columns: matrix products of few columns may round each row in another way, depending on where the
    row lies, and a cell's result must not depend on which cells stand beside it.
    """

    def forward(self, values: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs) float32."""
        product = nn.functional.linear(values.double(), self.weight.double(), self.bias.double())
        return product.to(self.weight.dtype)


class StaticFeatures(nn.Module):
    """Static attributes (N, P) in physical units -> features (N, size): standardised numbers, one-hot classes,
    position.

    `coordinates`: see `Coordinates`. The first feature is always the hemisphere, between -1 (south) and 1 (north), or 1
    where latitude is not among the statics; `season` needs it. `lasting` are the features that are the same in any
    record of a site, which climate normals are not.
    """

    number_column: Tensor
    number_mean: Tensor
    number_std: Tensor
    class_column: Tensor
    class_value: Tensor

    def __init__(self, signature: Signature, scalers: Scalers, coordinates: str = "latitude") -> None:
        super().__init__()
        if coordinates not in get_args(Coordinates):
            message = f"coordinates is '{coordinates}', expected one of {', '.join(get_args(Coordinates))}"
            raise ValueError(message)
        names = signature.static_names
        self.latitude = names.index("lat") if "lat" in names else -1
        self.longitude = names.index("lon") if "lon" in names else -1
        if coordinates != "none" and self.latitude < 0:
            coordinates = "none"
        if coordinates in ("sphere", "standardised") and self.longitude < 0:
            message = f"statics: coordinates = '{coordinates}' needs 'lat' and 'lon' among the statics"
            raise ValueError(message)
        self.coordinates = coordinates
        apart = () if coordinates == "standardised" else ("lat", "lon")
        numbers = [i for i, v in enumerate(signature.statics) if v.name not in apart and not v.flag_values]
        class_of_column = [(i, flag) for i, v in enumerate(signature.statics) for flag in v.flag_values]
        self.register_buffer("number_column", torch.tensor(numbers, dtype=torch.int64))
        self.register_buffer("number_mean", scalers.static_mean[numbers].clone())
        self.register_buffer("number_std", scalers.static_std[numbers].clone())
        self.register_buffer("class_column", torch.tensor([i for i, _ in class_of_column], dtype=torch.int64))
        self.register_buffer("class_value", torch.tensor([float(flag) for _, flag in class_of_column]))
        self.has_numbers, self.has_classes = len(numbers) > 0, len(class_of_column) > 0
        beginning = [i for i, number in enumerate(numbers, 1) if not is_normal(signature.statics[number].name)]
        self.size = 1 + len(numbers) + len(class_of_column) + {"latitude": 1, "sphere": 3}.get(coordinates, 0)
        self.lasting = [0, *beginning, *range(1 + len(numbers), self.size)]

    def forward(self, static: Tensor) -> Tensor:
        """(N, P) physical units -> (N, size), hemisphere first."""
        features = [self.hemisphere(static)]
        if self.has_numbers:
            features.append((static.index_select(1, self.number_column) - self.number_mean) / self.number_std)
        if self.has_classes:
            one_hot = static.index_select(1, self.class_column).round() == self.class_value
            features.append(one_hot.to(static.dtype))
        if self.coordinates == "latitude":
            features.append(torch.sin(static[:, self.latitude : self.latitude + 1] * (math.pi / 180.0)))
        elif self.coordinates == "sphere":
            features.append(unit_sphere(static[:, self.latitude], static[:, self.longitude]))
        return torch.cat(features, dim=1)

    def hemisphere(self, static: Tensor) -> Tensor:
        """(N, P) -> (N, 1): tanh(latitude / 15 degrees), so that seasons fade out at the equator."""
        if self.latitude < 0:
            return torch.ones_like(static[:, :1])
        return torch.tanh(static[:, self.latitude : self.latitude + 1] / 15.0)


def unit_sphere(lat: Tensor, lon: Tensor) -> Tensor:
    """Latitude and longitude in degrees (N,) -> points on the unit sphere (N, 3)."""
    phi, lam = lat * (math.pi / 180.0), lon * (math.pi / 180.0)
    return torch.stack([torch.cos(phi) * torch.cos(lam), torch.cos(phi) * torch.sin(lam), torch.sin(phi)], dim=1)


def season(calendar: Tensor, hemisphere: Tensor) -> Tensor:
    """Position in the year as sine and cosine, of opposite sign in the south.

    calendar: (B, T, 6) or (N, 6); hemisphere: (B, 1) or (N, 1) -> (B, T, 2) or (N, 2).
    """
    if calendar.dim() == 3:
        if calendar.stride(0) == 0:  # the same for all rows
            calendar = calendar[:1]
        return year_wave(calendar, hemisphere.dtype) * hemisphere.unsqueeze(1)
    return year_wave(calendar, hemisphere.dtype) * hemisphere


def year_wave(calendar: Tensor, dtype: torch.dtype) -> Tensor:
    """Sine and cosine of the position in the year, (..., 6) -> (..., 2)."""
    angle = (2.0 * math.pi) * calendar[..., column.DAY_OF_YEAR].to(dtype) / calendar[..., column.DAYS_IN_YEAR].to(dtype)
    return torch.stack([torch.sin(angle), torch.cos(angle)], dim=-1)


def second_harmonic(wave: Tensor) -> Tensor:
    """Sine and cosine of the year (..., 2) -> those of the half-year (..., 2), whose sign is the same in the south."""
    sine, cosine = wave[..., :1], wave[..., 1:]
    return torch.cat([2.0 * sine * cosine, cosine * cosine - sine * sine], dim=-1)


def signed_sum(values: Tensor, terms: list[tuple[int, float]]) -> Tensor:
    """Sum of some columns (..., V) with their factors, in the order of the terms, (...)."""
    position, factor = terms[0]
    total = values[..., position] if factor == 1.0 else factor * values[..., position]
    for position, factor in terms[1:]:
        term = values[..., position]
        if factor == 1.0:
            total = total + term
        elif factor == -1.0:
            total = total - term
        else:
            total = total + factor * term
    return total


class FluxHead(nn.Module):
    """Hidden state -> fluxes in analysis units that keep the constraints of the variable table.

    The network works in the transformed space of `TargetScaling`. Targets with minimum 0 pass through a softplus, those
    with maximum 0 through its mirror image; bounds of some site classes only are kept around the model (`bounded.py`).
    Targets with an identity, such as nee = ra + rh - gpp, are not learned but summed, to the last bit; what inputs
    contribute to such a sum is added around the model (`derived.py`). `skip`
    features, such as past flux, may reach the output past the network: they come in groups of C, standardised as the
    targets are, and `skip` gives the weight that each group starts with.
    """

    learned_index: Tensor
    scale: Tensor
    mean: Tensor
    std: Tensor
    limit: Tensor
    positive: Tensor
    negative: Tensor
    order: Tensor
    sums: list[list[tuple[int, float]]]

    def __init__(self, signature: Signature, scalers: Scalers, hidden: int, skip: tuple[float, ...] = ()) -> None:
        super().__init__()
        names = list(signature.target_names)
        identities = {names[identity.target]: identity.targets for identity in signature.identities}
        learned = [name for name in names if name not in identities]
        for variable in signature.targets:
            for bound in (variable.minimum, variable.maximum):
                if bound not in (None, 0.0):
                    message = f"target '{variable.name}' has the bound {bound}; only 0 is supported"
                    raise ValueError(message)
        learned_index = torch.tensor([names.index(name) for name in learned])
        scaling = TargetScaling(scalers)
        self.n_learned = len(learned)
        self.register_buffer("learned_index", learned_index.clone())
        self.linear = nn.Linear(hidden, len(learned))
        nn.init.normal_(self.linear.weight, std=0.5 / math.sqrt(hidden))
        nn.init.zeros_(self.linear.bias)
        self.skip: nn.Module = nn.Identity()
        if skip:
            skip_layer = nn.Linear(len(skip) * len(names), len(learned), bias=False)
            same_target = torch.eye(len(names))[learned_index]
            with torch.no_grad():
                skip_layer.weight.copy_(torch.cat([weight * same_target for weight in skip], dim=1))
            self.skip = skip_layer
        self.register_buffer("scale", scaling.scale[learned_index])
        self.register_buffer("mean", scaling.mean[learned_index])
        self.register_buffer("std", scaling.std[learned_index])
        self.register_buffer("limit", scaling.limit[learned_index])
        variables = [signature.targets[i] for i in learned_index.tolist()]
        positive = [variable.minimum == 0.0 and not variable.bounded_classes for variable in variables]
        self.register_buffer("positive", torch.tensor(positive))
        negative = torch.tensor([variable.maximum == 0.0 and not variable.bounded_classes for variable in variables])
        self.any_negative = bool(negative.any())
        self.register_buffer("negative", negative, persistent=False)
        # of each sum the learned terms; none where it is of inputs alone
        self.sums = [
            [(learned.index(names[position]), factor) for position, factor in terms] for terms in identities.values()
        ]
        places = [*learned, *identities]
        self.register_buffer("order", torch.tensor([places.index(name) for name in names]))

    def forward(self, hidden: Tensor, skip: Tensor | None = None) -> Tensor:
        """(..., H) and (..., skip) -> (..., C) analysis units."""
        return self.fluxes(self.learned(hidden, skip))

    @torch.jit.export
    def learned(self, hidden: Tensor, skip: Tensor | None = None) -> Tensor:
        """(..., H) and (..., skip) -> the targets that are learned, standardised, before constraints (..., L)."""
        by_day = hidden.dim() == 3 and hidden.stride(0) < hidden.stride(1)  # as LSTMs leave it
        standardised = self.linear(hidden.transpose(0, 1)).transpose(0, 1) if by_day else self.linear(hidden)
        if skip is not None:
            standardised = standardised + self.skip(skip)
        return standardised

    @torch.jit.export
    def constrained(self, learned: Tensor) -> Tensor:
        """Learned targets (..., L) -> the transformed space asinh(flux / scale) with constraints kept (..., L)."""
        free = self.mean + self.std * learned
        u = torch.where(self.positive, torch.nn.functional.softplus(free), free)
        if self.any_negative:
            u = torch.where(self.negative, -torch.nn.functional.softplus(-free), u)
        return torch.minimum(torch.maximum(u, -self.limit), self.limit)

    @torch.jit.export
    def residual(self, standardised: Tensor, learned: Tensor) -> Tensor:
        """Residual of the learned targets (..., L): flux as TargetScaling standardises it (..., C) minus prediction."""
        return standardised.index_select(-1, self.learned_index) - (self.constrained(learned) - self.mean) / self.std

    @torch.jit.export
    def fluxes(self, learned: Tensor) -> Tensor:
        """Learned targets (..., L) -> (..., C) analysis units."""
        flux = self.scale * torch.sinh(self.constrained(learned))
        if len(self.sums) > 0:
            columns = [flux]
            for terms in self.sums:
                total = signed_sum(flux, terms) if len(terms) > 0 else torch.zeros_like(flux[..., 0])
                columns.append(total.unsqueeze(-1))
            flux = torch.cat(columns, dim=-1)
        return flux.index_select(-1, self.order)


class StreamingLSTM(nn.Module):
    """One LSTM layer with two faces that share the weights: `forward` over a series, `cell` for one day."""

    if TYPE_CHECKING:  # TorchScript takes no annotations of submodules, and torch declares no weights of its LSTM
        lstm: Any

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)
        with torch.no_grad():  # remember by default: forget gate open at the start of training
            self.lstm.bias_ih_l0[hidden : 2 * hidden].fill_(1.5)
            self.lstm.bias_hh_l0[hidden : 2 * hidden].zero_()

    def forward(self, inputs: Tensor, h: Tensor, c: Tensor) -> Tensor:
        """inputs: (B, T, X); h, c: (B, H) -> hidden states (B, T, H)."""
        return self.lstm(inputs, (h.unsqueeze(0), c.unsqueeze(0)))[0]

    @torch.jit.export
    def run(self, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """inputs: (T, B, X); h, c: (B, H) -> hidden states (T, B, H), last h, c."""
        hidden, (h, c) = self.lstm(inputs.transpose(0, 1), (h.unsqueeze(0), c.unsqueeze(0)))
        return hidden.transpose(0, 1), h.squeeze(0), c.squeeze(0)

    @torch.jit.export
    def cell(self, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """inputs: (N, X); h, c: (N, H) -> next h, c."""
        return torch.lstm_cell(
            inputs, [h, c], self.lstm.weight_ih_l0, self.lstm.weight_hh_l0, self.lstm.bias_ih_l0, self.lstm.bias_hh_l0
        )
