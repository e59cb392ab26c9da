"""What several tests of issuing begin with."""

import pytest

from conferral.models import Credential


@pytest.fixture
def credential(course):
    """Ana's, ready."""
    course.learner("ana", name="Ana Nandu", email="ana@example.com")
    course.configure(processor="completion")
    course.run_and_generate()
    return Credential.objects.get()
