"""Options drawn as forms: the built-in plugins' own schemas, there and back."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import Field

from conferral import plugins
from conferral.admin.drawn import Drawing, NotDrawn, difference, paths
from conferral.contract import Options, PDFAsset, Share
from conferral.generators.pdf.options import PDFOptions
from conferral.issuance.plan import merge

SLUGS = {"pdf": ["classic", "modern"], "font": ["garamond"], "image": ["seal"]}


def drawing(model):
    return Drawing(model.model_json_schema(), SLUGS.__getitem__)


def whole(model, given):
    return model.model_validate(given).model_dump(mode="json")


def there_and_back(model, given):
    """As a browser sends it: through JSON."""
    form = drawing(model)
    return form.read(json.loads(json.dumps(form.shown(whole(model, given)))))


class Everything(Options):
    share: Share = Field(0.5, description="A share.")
    count: int = Field(3, ge=1, description="A number.")
    flag: bool = Field(True, description="A switch.")
    paper: PDFAsset | None = Field(None, description="An asset.")
    words: list[str] = Field(default_factory=list, description="Words.")
    inner: "Inner | None" = Field(None, description="Something within.")


class Inner(Options):
    size: str = Field("10%", description="A size.")


# What is drawn


def test_fields_have_names_descriptions_and_defaults():
    drawn = drawing(Everything).schema()["properties"]
    assert drawn["share"] == {
        "type": "string",
        "title": "Share (%)",
        "help_text": "A share. Default: 50 %.",
    }
    assert drawn["count"]["help_text"] == "A number. Default: 3."
    assert drawn["flag"] == {"type": "boolean", "title": "Flag", "help_text": "A switch. Default: yes."}
    assert [choice if isinstance(choice, str) else choice["value"] for choice in drawn["paper"]["choices"]] == [
        "",
        *SLUGS["pdf"],
    ]
    assert drawn["words"]["items"]["type"] == "string"
    assert drawn["inner"]["properties"]["size"]["title"] == "Size"


def test_what_the_type_has_is_said_instead_of_the_default():
    drawn = drawing(Everything).schema({"share": "0.8", "flag": False, "inner": {"size": "5%"}})["properties"]
    assert drawn["share"]["help_text"] == "A share. The type has: 80 %."
    assert drawn["flag"]["help_text"] == "A switch. The type has: no."
    assert drawn["inner"]["properties"]["size"]["help_text"] == "A size. The type has: 5%."


def test_a_design_is_drawn_whole():
    """Names are a list, kinds of elements are alternatives that are told apart by a hidden type."""
    elements = drawing(PDFOptions).schema()["properties"]["elements"]
    assert elements["type"] == "array"
    kinds = elements["items"]["oneOf"]
    assert [kind["title"] for kind in kinds] == ["Text", "Image", "QR", "Line", "Rectangle"]
    for kind in kinds:
        assert next(iter(kind["properties"])) == "name"
        assert kind["properties"]["type"]["widget"] == "hidden"
    assert "anyOf" not in json.dumps(elements)
    assert "$ref" not in json.dumps(elements)


@pytest.mark.parametrize("name", ["completion", "grades", "completion-and-grades", "listed", "platform-certificate"])
def test_every_rule_is_drawn(name):
    assert drawing(plugins.processor(name).Options).schema()["type"] == "object"


def test_what_no_form_has_is_not_drawn():
    class Odd(Options):
        either: list[int] | dict[str, int] = Field(description="Who knows.")

    class Endless(Options):
        again: "list[Endless]" = Field(default_factory=list, description="And so on.")

    for model in (Odd, Endless):
        with pytest.raises(NotDrawn):
            drawing(model).schema()


# There and back


def demo():
    declared = yaml.safe_load(Path("demo/credentials.yaml").read_text(encoding="utf-8"))
    for each in declared["types"]:
        for slot in each["generators"].values():
            yield pytest.param(PDFOptions, slot["options"], id=each["name"])


RULES = [
    ("completion", {"required_completion": 0.795}),
    ("completion", {"required_completion": "0.123456789012345678901234567891"}),
    ("grades", {"required_grades": {"total": "pass", "Exam": 0.5, "Final Exam": "0.333"}}),
    ("completion-and-grades", {"required_completion": 0.1, "required_grades": {"total": 0.07}}),
    ("listed", {"learners": ["ana", "bo@example.com"]}),
]


@pytest.mark.parametrize(
    ("model", "given"),
    [*demo(), *((plugins.processor(name).Options, given) for name, given in RULES), (Everything, {})],
)
def test_a_form_says_again_what_it_shows(model, given):
    back = there_and_back(model, given)
    assert whole(model, back) == whole(model, given)
    assert whole(model, drawing(model).sparse(back)) == whole(model, given)


def test_shares_are_percentages():
    form = drawing(Everything)
    assert form.shown({"share": "0.795"})["share"] == "79.5"
    assert form.read({"share": 79.5}) == {"share": 0.795}
    assert form.read({"share": 100}) == {"share": 1.0}
    assert form.read({"share": ""}) == {}
    grades = drawing(plugins.processor("grades").Options)
    assert grades.shown({"required_grades": {"total": "0.8"}}) == {
        "required_grades": [{"name": "total", "value": "80 %"}]
    }
    for written, read in (("80", 0.8), ("80 %", 0.8), ("79,5%", 0.795), ("pass", "pass"), ("most", "most")):
        said = {"required_grades": [{"name": "total", "value": written}]}
        assert grades.read(said) == {"required_grades": {"total": read}}


def test_what_is_left_empty_is_left_out_but_for_texts_that_may_be_empty():
    form = drawing(PDFOptions)
    assert form.read({"template": "", "font": "", "alt": "", "form_fields": ""}) == {"alt": ""}


# What differs


@pytest.mark.parametrize(
    ("base", "value", "said"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"b": 2}, {"a": None}),
        ({"a": None}, {}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": {"b": 1}}, {"a": {"b": 1}, "d": {"e": 1}}, {"d": {"e": 1}}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 2]}),
        ({"a": "0.8"}, {"a": 0.8}, {}),
        ({"a": 1}, {"a": True}, {"a": True}),
    ],
)
def test_the_difference_is_what_merging_makes_good(base, value, said):
    assert difference(base, value) == said
    merged = merge(base, said)
    assert {name: each for name, each in merged.items() if each is not None} == value or said == {}


def test_differences_have_names():
    said = {"elements": {"deed": {"text": "x"}, "seal": None}, "alt": ""}
    assert list(paths(said)) == ["elements.deed.text", "elements.seal", "alt"]


# Where errors belong


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("template",), "template"),
        (("elements", "deed", "text", "size"), "elements§1§size"),
        (("elements", "seal", "image"), "elements§0§name"),
        (("fallback_fonts", 1), "fallback_fonts§1"),
        (("elements", "gone", "text", "y"), "elements"),
        ((), ""),
    ],
)
def test_an_error_finds_its_field(path, place):
    value = {"fallback_fonts": ["a", "B"], "elements": {"seal": {"type": "image"}, "deed": {"type": "text"}}}
    assert drawing(PDFOptions).place(path, value) == place


def test_an_error_in_a_list_of_figures_finds_its_field():
    form = drawing(plugins.processor("grades").Options)
    assert (
        form.place(("required_grades", "Exam"), {"required_grades": {"total": 1, "Exam": 2}})
        == "required_grades§1§value"
    )
