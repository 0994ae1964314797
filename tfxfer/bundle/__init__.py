"""What is handed over: contract, golden vectors, labels, card, manifest."""
