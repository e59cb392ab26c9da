"""What the steps of a removal send. All have `user`, an account; its name is still its own, its address is not.

The mailings have `email` (what it was) and `new_email` besides. They are sent with `send`: who fails stops the removal.
"""

from django.dispatch import Signal

USER_RETIRE_MAILINGS = Signal()
USER_RETIRE_LMS_CRITICAL = Signal()
USER_RETIRE_LMS_MISC = Signal()
