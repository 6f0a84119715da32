"""The same booking every so many weeks."""
