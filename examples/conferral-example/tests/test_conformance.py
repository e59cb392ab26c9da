"""Conferral's suites, run on this package's plugins, and what the suites cannot know."""

from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from conferral.contract import Artifact, Fact, Grades, PermanentError, Progress, sample_request
from conferral.contract.options import parse
from conferral.contract.testing import GeneratorSuite, ProcessorSuite
from conferral_example.best_of import BestOf, BestOfOptions
from conferral_example.svg_badge import SVG, SVGBadge


def graded(**grades: str) -> Progress:
    """A learner with those grades by assignment type."""
    return Progress("ana", grades=Grades(by_category={key: Decimal(share) for key, share in grades.items()}))


class TestBestOf(ProcessorSuite):
    """The rule at and around its threshold."""

    processor = BestOf()
    examples = [
        ({"required_average": 0.8}, graded(Exam="0.9", Homework="0.7", Lab="0.1"), True),
        ({"required_average": 0.8}, graded(Exam="0.9", Homework="0.69", Lab="0.1"), False),
        ({"required_average": 0.8}, graded(Exam="1"), False),
        ({"required_average": 0.8, "count": 1}, graded(Exam="0.8", Lab="0"), True),
        ({"required_average": 0.8, "count": 1, "leave_out": ["Exam"]}, graded(Exam="1", Lab="0.79"), False),
        ({"required_average": 0}, Progress("ana"), False),
    ]

    def test_an_average_is_never_rounded_up(self) -> None:
        """Two thirds are not 0.6667, and not 0.6666…67 either."""
        options = parse(BestOfOptions, {"required_average": 0.5, "count": 3}, "options")
        decision = self.processor.decide(graded(Exam="1", Lab="1"), options, None)
        assert decision.facts == (Fact("best_average", "0." + "6" * 28, "0.5", met=True),)


class TestSVGBadge(GeneratorSuite):
    """The badge with a text that has everything in it."""

    generator = SVGBadge()
    options = {"text": "{context} & <more>, {evidence.completion}", "colour": "#14532d"}

    def draw(self, name: str) -> Artifact:
        """A badge for somebody of that name."""
        (artifact,) = self.generator.generate(self.prepare(), sample_request(name=name, slot="badge"))
        return artifact

    def test_it_shows_the_name_and_the_text_and_links_to_the_page(self) -> None:
        """Texts come back as they went in, whatever they look like."""
        artifact = self.draw("<b>Bobby</b>")
        assert artifact.filename == "badge.svg"
        root = ET.fromstring(artifact.content or b"")  # noqa: S314 - drawn a line above
        texts = [element.text for element in root.iter(f"{{{SVG}}}text")]
        assert texts == ["<b>Bobby</b>", "Introduction to Computing & <more>, 95%"]
        assert [link.get("href") for link in root.iter(f"{{{SVG}}}a")] == [sample_request().page_url]

    def test_what_svg_cannot_hold_is_refused(self) -> None:
        """With the code point, for whoever has to remove it."""
        with pytest.raises(PermanentError, match=r"U\+000B"):
            self.draw("Tab\x0bVertical")
