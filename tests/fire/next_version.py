"""Included by a worker, which is then of the next version of the code, as far as its messages say."""

from conferral import tasks

tasks.VERSION += 1
