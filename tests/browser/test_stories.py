"""Each story of the documentation, word for word: by mouse and by keyboard, in English and in Arabic, on both sizes."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser import story
from tests.browser.ground import PEOPLE
from tests.browser.hands import Keyboard, Mouse
from tests.browser.visitor import DESKTOP, PHONE

STORIES = [each for page in sorted(story.HOW_TO.glob("*.md")) for each in story.stories(page)]


@dataclass(frozen=True)
class Way:
    """How somebody goes through a story; `looking` on both sizes at each page that they come to."""

    language: str
    viewport: dict[str, int]
    hand: Any
    scripts: bool = True
    looking: bool = False


# Each language on each size; the pages are the same, and looked at once in each language. What an English phone with
# scripts would show besides, the Arabic one and the one without show between them.
WAYS = {
    "english desktop": Way("en", DESKTOP, Mouse(), looking=True),
    "arabic phone": Way("ar", PHONE, Mouse(), looking=True),
    "arabic desktop, keyboard alone": Way("ar", DESKTOP, Keyboard()),
    "english phone, without scripts": Way("en", PHONE, Mouse(), scripts=False),
}
NEED_SCRIPTS = {"Choose a file", "What is different from the type here"}
"""What a story may name that needs them, which its page says: checking a file, and options as a form."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("told", STORIES, ids=str)
def test_a_story_goes_as_it_is_told(own, visit, told, way):
    how = WAYS[way]
    if not how.scripts and any(NEED_SCRIPTS & set(sentence.values) for sentence in told.steps):
        pytest.skip("this story needs scripts, which its page says")

    def come(person):
        return visit(own, person, language=how.language, viewport=how.viewport, java_script_enabled=how.scripts)

    story.Teller(come, own, how.language, how.hand, how.looking, how.scripts).tell(told)


def test_there_are_stories():
    assert {each.person for each in STORIES} == set(PEOPLE) | {"stranger"}


def test_a_sentence_is_words_and_values(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\nYou are a stranger. Read on.\n\n1. Open `/`. Write `a. b`\n   into **It. Self**.\n\nA note.\n\n"
        "2. Write the number of *Ana B.* in *It* into **Number**.\n"
        "3. You see **An end.** Now you are another learner.\n"
        "4. Save this as `it.csv`:\n\n   ```\n   a. b,c\n   ```\n\n5. You see `4` **of it**.\n\n"
        "## Another\n\n1. No story.\n"
    )
    (told,) = story.stories(page)
    assert (told.title, told.person) == ("Title", "stranger")
    assert [(each.words, each.values) for each in told.steps] == [
        ("Open `…`.", ("/",)),
        ("Write `…` into **…**.", ("a. b", "It. Self")),
        ("Write the number of *…* in *…* into **…**.", ("Ana B.", "It", "Number")),
        ("You see **…**.", ("An end.",)),
        ("Now you are another learner.", ()),
        ("Save this as `…`:", ("it.csv", "a. b,c\n")),
        ("You see `…` **…**.", ("4", "of it")),
    ]
