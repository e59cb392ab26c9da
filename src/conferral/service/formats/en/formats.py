"""Days before months, months in letters, and the clock of twenty-four hours: 3/4 is two different days."""

DATE_FORMAT = "j F Y"
SHORT_DATE_FORMAT = "j N Y"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j N Y, H:i"
TIME_FORMAT = "H:i"
