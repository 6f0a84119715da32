"""Certificates of a public authority (ACME) by proof in DNS, where no port of this machine can be asked."""
