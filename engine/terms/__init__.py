"""What is promised, and in which time: terms, working hours, holidays, calendars."""
