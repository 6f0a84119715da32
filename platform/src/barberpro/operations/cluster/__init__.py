"""Is a Kubernetes cluster ready for a deployment (manual, "System Prerequisites"), and making it so."""
