"""What the process says about itself: alive, ready, measured."""
