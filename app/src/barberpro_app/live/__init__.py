"""What changes while somebody looks: from the database to open pages, within a second."""
