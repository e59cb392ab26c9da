"""The fingerprint of files that begin alike is that of hashlib, in whatever order they come."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from conferral.fingerprint import WORTH, fingerprint

DESIGNS = [bytes([n]) * (WORTH + 7 * n) for n in range(3)]
FILES = st.builds(
    lambda design, cut, rest: DESIGNS[design][:cut] + rest,
    st.integers(0, 2),
    st.integers(WORTH - 5, WORTH + 20),
    st.binary(max_size=20),
)


@given(st.lists(FILES, max_size=12))
def test_it_is_the_sha256(files):
    for content in files:
        assert fingerprint(content) == sha256(content).hexdigest()
