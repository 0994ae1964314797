"""Names and facts of backbones, recipes, formats and precisions: data with a source, no TensorFlow."""
