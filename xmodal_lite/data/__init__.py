"""Samples: the table that describes them, how they are read and prepared, how batches are drawn from them."""
