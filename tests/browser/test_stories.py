"""Each story of the documentation, word for word: on a desktop in English, on a phone in Arabic."""

import pytest

from tests.browser import story
from tests.browser.visitor import DESKTOP, PHONE

STORIES = [each for page in sorted(story.HOW_TO.glob("*.md")) for each in story.stories(page)]


@pytest.mark.parametrize(("language", "viewport"), [("en", DESKTOP), ("ar", PHONE)], ids=["desktop", "phone"])
@pytest.mark.parametrize("told", STORIES, ids=str)
def test_a_story_goes_as_it_is_told(own, visit, told, language, viewport):
    def come(person):
        return visit(own, person, language=language, viewport=viewport)

    story.Teller(come, own, language).tell(told)


def test_there_are_stories():
    assert {each.person for each in STORIES} == {"stranger", "learner", "instructor", "operator"}


def test_a_sentence_is_words_and_values(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\nYou are a stranger. Read on.\n\n1. Open `/`. Write `a. b`\n   into **It. Self**.\n\nA note.\n\n"
        "2. Write the number of *Ana B.* in *It* into **Number**.\n\n## Another\n\n1. No story.\n"
    )
    (told,) = story.stories(page)
    assert (told.title, told.person) == ("Title", "stranger")
    assert [(each.words, each.values) for each in told.steps] == [
        ("Open `…`.", ("/",)),
        ("Write `…` into **…**.", ("a. b", "It. Self")),
        ("Write the number of *…* in *…* into **…**.", ("Ana B.", "It", "Number")),
    ]
