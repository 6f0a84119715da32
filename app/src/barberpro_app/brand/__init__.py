"""The brand as the owner set it: name, contact, colours that can be read, logo and icon."""
