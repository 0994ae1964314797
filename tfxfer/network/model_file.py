"""A user's model file, read without running any code it carries."""

from tfxfer.backbones.model_file import load_model_file

__all__ = ["load_model_file"]
