"""The rules for clients that the owner may change: holds, slots, window, notice."""
