"""Classes, for visitors and at the desk."""
