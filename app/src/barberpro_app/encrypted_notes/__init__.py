"""Working notes of a professional: sealed per patient, found and read by their author alone."""
