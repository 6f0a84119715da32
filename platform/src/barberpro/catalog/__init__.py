"""Load and validate the data of verticals, markets, regions, providers, policies and controls; pure."""
