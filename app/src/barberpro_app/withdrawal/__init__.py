"""The withdrawal button: who contracted at a distance may withdraw within ten days."""
