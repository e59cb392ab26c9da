"""What our templates say by filters."""
