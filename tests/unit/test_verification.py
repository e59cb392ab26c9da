from hypothesis import given
from hypothesis import strategies as st

from conferral.models.verification import ALPHABET, LENGTH, new_id, normalised, shown


def test_an_id_is_shown_in_fours_and_comes_back():
    made = new_id()
    assert len(made) == LENGTH
    assert len(shown(made)) == 19
    assert normalised(shown(made)) == made


def test_what_people_type_is_forgiven():
    made = "0123456789ABCDE"
    whole = next(made + symbol for symbol in ALPHABET if normalised(made + symbol))
    typed = f" {shown(whole).lower().replace('0', 'o').replace('1', 'l')} "
    assert normalised(typed) == whole


def test_what_cannot_be_an_id_is_refused():
    assert normalised("") is None
    assert normalised("K7QF") is None
    assert normalised("K7QF-2M9X-4TBD-HW33")  # the example
    assert normalised("U" * 16) is None
    assert normalised("💥" * 16) is None


@given(st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_every_single_mistyped_symbol_is_noticed(position, symbol):
    made = new_id()
    typed = made[:position] + symbol + made[position + 1 :]
    assert (normalised(typed) == made) == (symbol == made[position])


def test_nearly_every_swapped_pair_is_noticed():
    noticed = total = 0
    for _ in range(200):
        made = new_id()
        for position in range(LENGTH - 1):
            swapped = made[:position] + made[position + 1] + made[position] + made[position + 2 :]
            if swapped != made:
                total += 1
                noticed += normalised(swapped) is None
    assert noticed / total > 0.99


def test_ids_do_not_repeat():
    assert len({new_id() for _ in range(10_000)}) == 10_000
