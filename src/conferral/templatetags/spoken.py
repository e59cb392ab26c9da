"""`{% load spoken %}{{ run.error|spoken }}`: a reason as it was recorded, in the reader's language."""

from django import template

from conferral.spoken import spoken

register = template.Library()
register.filter("spoken", spoken)
