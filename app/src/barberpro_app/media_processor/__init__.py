"""Photographs as they may be published: looked at, turned upright, without metadata, in sizes."""
