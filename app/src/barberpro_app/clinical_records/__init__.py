"""Clinical records: append only, sealed per patient, every look at them logged (Ley 26.529)."""
