"""Classes of a gym: the weekly timetable, its sessions, late cancelling, and who owes."""
