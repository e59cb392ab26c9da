"""Conferral as a plugin of the Open edX LMS: what it sets, and what it listens to. `apps.py` names these modules."""
