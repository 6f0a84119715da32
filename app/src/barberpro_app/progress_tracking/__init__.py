"""Body measures, lifts and goals, kept with consent, seen by those who attend the person."""
