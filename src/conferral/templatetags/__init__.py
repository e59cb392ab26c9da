"""What templates ask for besides Django's own."""
