# ruff: noqa: ARG002  # BMI gives the arguments their names
"""The functions of BMI on meshes, which cells that are points have no answer to."""

from __future__ import annotations

from typing import NoReturn

from bmipy import Bmi
from numpy.typing import NDArray


class PointGrid(Bmi):
    """A component whose grids are points: NotImplementedError for spacing, origin, edges and faces."""

    def get_grid_spacing(self, grid: int, spacing: NDArray) -> NDArray:
        """Points have none."""
        _refuse("get_grid_spacing")

    def get_grid_origin(self, grid: int, origin: NDArray) -> NDArray:
        """Points have none."""
        _refuse("get_grid_origin")

    def get_grid_edge_count(self, grid: int) -> int:
        """Points have none."""
        _refuse("get_grid_edge_count")

    def get_grid_face_count(self, grid: int) -> int:
        """Points have none."""
        _refuse("get_grid_face_count")

    def get_grid_edge_nodes(self, grid: int, edge_nodes: NDArray) -> NDArray:
        """Points have none."""
        _refuse("get_grid_edge_nodes")

    def get_grid_face_edges(self, grid: int, face_edges: NDArray) -> NDArray:
        """Points have none."""
        _refuse("get_grid_face_edges")

    def get_grid_face_nodes(self, grid: int, face_nodes: NDArray) -> NDArray:
        """Points have none."""
        _refuse("get_grid_face_nodes")

    def get_grid_nodes_per_face(self, grid: int, nodes_per_face: NDArray) -> NDArray:
        """Points have none."""
        _refuse("get_grid_nodes_per_face")


def _refuse(function: str) -> NoReturn:
    message = f"{function}: the cells are points"
    raise NotImplementedError(message)
