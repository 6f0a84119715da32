"""How to ask a Kubernetes cluster: the operator's own ``kubectl`` and ``helm``, as data."""
