"""The deploy pipeline: one module per stage."""
