"""report.html: a page for people, made of what a run directory holds; TensorFlow is never imported."""
