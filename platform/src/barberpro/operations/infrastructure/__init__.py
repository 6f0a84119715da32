"""Infrastructure for a plan, as Terraform or OpenTofu configuration."""
