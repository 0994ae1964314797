"""Parity, gates, benchmark: is the file as good as the network?"""
