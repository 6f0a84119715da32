"""The dental chart: findings per tooth and surface, kept as entries of the clinical record."""
