"""SavedModel, LiteRT, ONNX: how each is written."""
