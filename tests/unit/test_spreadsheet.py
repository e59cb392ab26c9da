import re
import tracemalloc
from contextlib import closing

import pytest

from conferral.lms import spreadsheet
from conferral.lms.spreadsheet import RosterError, Seen

HEADER = "username,email,name,language,active,completion,grade:Exam,grade:total\n"


def read(path):
    with closing(Seen()) as seen:
        return list(spreadsheet.read(path, seen))


def write(tmp_path, content, name="roster.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_row_is_read_as_it_stands(tmp_path):
    path = write(tmp_path, HEADER + "ana,ana@example.org, Ana Ñandú ,es,yes,0.7950,1,\n")
    (row,) = read(path)
    assert row.username == "ana"
    assert row.person == {"email": "ana@example.org", "name": "Ana Ñandú", "language": "es", "active": True}
    assert row.completion == "0.7950"
    assert row.grades == {"Exam": "1", "total": "0"}


def test_json_has_the_same_columns(tmp_path):
    path = write(tmp_path, '[{"username": "ana", "active": false, "completion": 0.8, "grade:total": null}]', "r.json")
    (row,) = read(path)
    assert (row.person, row.completion, row.grades) == ({"active": False}, "0.8", {"total": "0"})


def test_a_byte_order_mark_semicolons_and_blank_lines_are_what_spreadsheets_write(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbfusername;name;completion\r\nana;Ana;0.8\r\n;;\r\n\r\n")
    assert [row.username for row in read(path)] == ["ana"]


def test_a_space_after_the_colon_is_no_part_of_an_assignment_type(tmp_path):
    (row,) = read(write(tmp_path, "username, grade: Homework \nana,0.5\n"))
    assert row.grades == {"Homework": "0.5"}


def test_one_name_has_one_spelling(tmp_path):
    (row,) = read(write(tmp_path, "username,name\nana,An\u0303a\n"))
    assert row.person["name"] == "Añ" + "a"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty; the first line names the columns"),
        ("ana,ana@example.org\n", "line 1: there is no column `username`"),
        (HEADER, "has no learners"),
        (HEADER.encode() + "ana,,Ñandú,,,,,".encode("latin-1"), "line 2: is not UTF-8; save the file"),
        ("username,colour\nana,red\n", "line 1: unknown column 'colour'; known: username"),
        ("username,username\nana,ana\n", "line 1: the column 'username' is there twice"),
        ("username,completion\nana,1\nana,1\n", "line 3: username 'ana' is there already"),
        ("username,completion\nana,1.1\n", "line 2: completion: '1.1' is not a share; write a number from 0 to 1"),
        ("username,completion\nana,-0.1\n", "line 2: completion: '-0.1' is not a share"),
        ("username,completion\nana,nan\n", "line 2: completion: 'nan' is not a share"),
        ("username,grade:Exam\nana,80 %\n", "line 2: grade:Exam: '80 %' is not a share"),
        ("username,active\nana,perhaps\n", "line 2: active: 'perhaps' is not accepted; write yes or no"),
        ("username,email\nana,ana@\n", "line 2: email: 'ana@' is not an address"),
        (
            "username,name\nana,An\x07a\n",
            "line 2: name: 'An\\x07a' is not accepted: it has a control character (U+0007); remove it",
        ),
        (f"username,name\nana,{'n' * 256}\n", "line 2: name: 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'… has 256 characters"),
        ("username,name\n,Ana\n", "line 2: username is empty"),
        ("username\nana,1\n", "line 2: has 2 cells, the header has 1 columns"),
        ('username,name\nana,"Ana\n', "is not CSV"),
        ("name,username\nAna,\n", "line 2: username is empty"),
        ("username,name,completion\nana,Ana,1\nbo\n", "line 3: has 1 cells, the header has 3 columns"),
        ("username,name\nana,An\u202ea\n", "(U+202E) that cannot be stored or shown; remove it"),
        ("username,completion\nana,1e999999999999\n", "'1e999999999999' is not a share"),
        ("username,completion\nana,-0\n", "'-0' is not a share"),
        ("username,completion\nana,0.5_0\n", "'0.5_0' is not a share"),
        ("username\nana\nAna\n", "roster.csv: line 2, as 'ana'); remove one of the two"),
        ("username,completion\nana,1e-99999999\n", "line 2: completion: '1e-99999999' is not a share"),
        ("username,completion\nana,0.8888888888888888888888888888888888888888\n", "is not a share"),
    ],
)
def test_a_wrong_csv_is_refused_with_the_place_and_the_way_out(tmp_path, content, says):
    with pytest.raises(RosterError, match=re.escape(says)) as refused:
        read(write(tmp_path, content))
    assert "\n" not in str(refused.value)
    assert "roster.csv" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("{}", "a list of learners is expected"),
        ("[1]", "learner 1: 1 is no object"),
        ('[{"name": "Ana"}]', "learner 1: there is no column `username`"),
        ('[{"username": ["a"]}]', "learner 1: username: ['a'] is not accepted"),
        ('[{"username": "a", "username": "b"}]', "a key is there twice in one object"),
        ('[{"username": "\\ud800"}]', "has a control character (U+D800)"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_wrong_json_is_refused(tmp_path, content, says):
    with pytest.raises(RosterError, match=re.escape(says)):
        read(write(tmp_path, content, "roster.json"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RosterError, match="cannot be read: No such file"):
        read(tmp_path / "missing.csv")


def test_what_is_too_large_for_memory_is_refused(tmp_path):
    with pytest.raises(RosterError, match="is larger than 4 MB; save it as CSV"):
        read(write(tmp_path, b" " * 4_100_000, "roster.json"))
    with pytest.raises(RosterError, match="line 2: is longer than 1,000,000 bytes; is it a CSV file"):
        read(write(tmp_path, b"username\n" + b"x" * 1_100_000))


def test_the_worst_json_that_is_read_takes_little_memory(tmp_path):
    """Whatever takes most memory for its length: empty objects."""
    path = write(tmp_path, b"[" + b"{}," * (spreadsheet.LARGEST_JSON // 3 - 1) + b"{}]", "roster.json")
    tracemalloc.start()
    with pytest.raises(RosterError, match="learner 1: there is no column `username`"):
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150_000_000


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path):
    def peak(rows):
        with (tmp_path / "roster.csv").open("w") as file:
            file.write("username,name,completion\n")
            file.writelines(f"learner-{number:08},Learner number {number},0.{number}\n" for number in range(rows))
        tracemalloc.start()
        with closing(Seen()) as seen:
            assert sum(1 for _ in spreadsheet.read(tmp_path / "roster.csv", seen)) == rows
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(100)  # what is loaded once
    assert peak(20_000) < peak(1_000) + 100_000
