"""The base of a residual model: a trained emulator that another one stands on, kept with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from emulator.configuration.schema import Config
from emulator.data.scalers import Scalers
from emulator.data.signature import Signature
from emulator.models import registry
from emulator.models.registry import ModelConfig
from emulator.models.streaming import StreamingModel


@dataclass(frozen=True)
class Base:
    """A model with its signature, and `description`, the plain containers of which a checkpoint rebuilds it."""

    model: StreamingModel
    signature: Signature
    description: dict[str, Any]

    @property
    def parts(self) -> tuple[StreamingModel, Signature]:
        """As `registry.build` takes it."""
        return self.model, self.signature


def base_description(config: Config, signature: Signature, description: dict[str, Any], path: Path) -> dict[str, Any]:
    """What a checkpoint keeps of a base that was trained with `config` in the run at `path`."""
    former = description["provenance"]
    entries: dict[str, Any] = {
        "model": config.model.model_dump(mode="json"),
        "signature": signature.to_dict(),
        "origin": {"path": str(path), **{key: former.get(key) for key in ("config_hash", "dataset_hash", "git_hash")}},
        "input_ranges": description["input_ranges"],
        "static_ranges": description["static_ranges"],
    }
    return entries | ({"base": description["base"]} if "base" in description else {})


def base_of(description: dict[str, Any], past_flux: str | None = None) -> Base | None:
    """The base that a checkpoint's description tells of, with weights to be loaded; None where it has none.

    past_flux: what it is shown in a host's step, where it takes past flux, in place of what the description says.
    """
    entries = description.get("base")
    if entries is None:
        return None
    options = dict(entries["model"])
    if past_flux is not None and options.get("past_flux", "none") != "none":
        options["past_flux"] = past_flux
    config: Any = TypeAdapter(ModelConfig).validate_python(options)
    signature = Signature.from_dict(entries["signature"])
    nested = base_of(entries, past_flux)
    model = registry.build(config, signature, Scalers.identity(signature), base=None if nested is None else nested.parts)
    return Base(model, signature, entries)
