"""Keys of learning contexts: what is one, and what people say of it."""

import pytest

from conferral.contract import KEY_LENGTH, ConferralError, check_key
from conferral.contract.context import is_pathway_key, short_key

COURSES = ["course-v1:Demo+CS101+2026", "course-v1:Ünï+Çours.e_1-2+2026_T1", "library-v1:Demo+Lib"]
PATHWAYS = ["path-v1:Demo+Path+2026+Group", "path-v1:D.e-m_o+P~1+r+g", "catalog-pathway:Demo:data-science"]


@pytest.mark.parametrize("key", [*COURSES, *PATHWAYS])
def test_keys_are_accepted_as_they_are(key):
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "CS101",
        "course-v1:Demo+CS101",
        "course-v1:Demo+CS101+2026 ",
        " course-v1:Demo+CS101+2026",
        "course-v1:Demo+CS 101+2026",
        "path-v1:Demo+Path+2026",
        "path-v1:Demo+Path+2026+Group+More",
        "path-v1:Demo+Path+2026+Group\n",
        "catalog-pathway:Demo",
        "block-v1:Demo+CS101+2026+type@html+block@a",
    ],
)
def test_what_is_no_key_is_refused_with_an_example(key):
    with pytest.raises(ConferralError) as refused:
        check_key(key)
    assert repr(key) in str(refused.value)
    assert "course-v1:ORG+COURSE+RUN" in str(refused.value)


def test_the_longest_key_is_accepted_and_a_longer_one_refused():
    stem = "course-v1:Demo+CS101+"
    longest = stem + "r" * (KEY_LENGTH - len(stem))
    assert check_key(longest) == longest
    with pytest.raises(ConferralError, match="has 256 characters, at most 255 are allowed"):
        check_key(longest + "r")


def test_pathways_are_told_from_courses():
    assert all(is_pathway_key(key) for key in PATHWAYS)
    assert not any(is_pathway_key(key) for key in COURSES)


@pytest.mark.parametrize(
    ("key", "short"),
    [
        ("course-v1:Demo+CS101+2026", "CS101"),
        ("path-v1:Demo+Path+2026+Group", "Path"),
        ("catalog-pathway:Demo:data-science", "data-science"),
        ("unusual", "unusual"),
    ],
)
def test_people_say_the_middle_of_a_key(key, short):
    assert short_key(key) == short
