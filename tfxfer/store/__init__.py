"""Fingerprints, atomic writes, locks and the journal: how results are kept so that none is half written."""
