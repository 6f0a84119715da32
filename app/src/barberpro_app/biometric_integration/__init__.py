"""Activities from watches and apps: files read, summed up in SI units, kept with consent."""
