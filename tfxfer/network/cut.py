"""Where a network can be cut: its blocks."""

from tfxfer.backbones.blocks import Block, cut_points

__all__ = ["Block", "cut_points"]
