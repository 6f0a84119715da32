"""A real Kubernetes on this machine, for the tests and for whoever works on BarberPro.

Everything is built once from pinned Go modules and started by hand: a control plane as any user, a
node with real pods as root. Nothing is left behind: a node and all that belongs to it live in
namespaces of their own, which the kernel takes away with their first process.
"""
