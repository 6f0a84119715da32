"""The outside world: files, processes, DNS, certificates, mail."""
