"""Compliance rules (合规性审查) judged on measured overlays: three values, pieces, noise."""
