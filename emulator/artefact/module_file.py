"""The TorchScript module of an artefact."""

import io
import warnings
from pathlib import Path

import torch

from emulator.artefact.code_check import check_code, is_trusted


def load_module(path: Path) -> torch.jit.ScriptModule:
    """The TorchScript module of an artefact, in eval mode on the CPU.

    NotTrusted where its code may do more than compute, unless the user has said that it may (docs/security.md).
    """
    archive = path.read_bytes()
    if not is_trusted():
        check_code(archive, path)
    with no_deprecation_warnings():
        return torch.jit.load(io.BytesIO(archive), map_location="cpu").eval()


def no_deprecation_warnings() -> warnings.catch_warnings:
    """TorchScript is deprecated in torch 2.9 and later; we know, and need not tell every user."""
    return warnings.catch_warnings(action="ignore", category=DeprecationWarning)
