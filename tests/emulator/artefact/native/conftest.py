"""The small models of tests/emulator/models, for their native programs."""

from tests.emulator.models.conftest import _one_thread, case, make_model  # noqa: F401 - fixtures
