"""The owner's settings, a module per subject."""

from __future__ import annotations

from barberpro_app.web.setup import brand, holidays, locations, services

routers = tuple(module.router for module in (brand, locations, services, holidays))
