"""The face for learners and for whoever checks a credential."""
