from conferral.issuance.plan import merge


def test_mappings_merge_everything_else_replaces_null_removes():
    base = {"template": "classic", "elements": {"name": {"size": "30pt", "y": 100}, "date": {"y": 200}}, "list": [1, 2]}
    override = {"elements": {"name": {"size": "24pt"}, "date": None}, "list": [3]}
    assert merge(base, override) == {
        "template": "classic",
        "elements": {"name": {"size": "24pt", "y": 100}},
        "list": [3],
    }


def test_nothing_overridden_is_the_base():
    assert merge({"a": {"b": 1}}, {}) == {"a": {"b": 1}}


def test_a_null_in_the_base_stays():
    assert merge({"font": None}, {}) == {"font": None}
