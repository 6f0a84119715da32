"""The Kubernetes target: a plan as values of the chart, carried out by Helm."""
