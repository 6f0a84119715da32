"""Who gives the services: providers, their hours, breaks and time off."""
