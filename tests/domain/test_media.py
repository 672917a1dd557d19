"""The ladder's arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from domain.media import Rung

sides = st.integers(1, 30_000)


@given(sides, sides, st.sampled_from(Rung))
def test_a_step_is_as_long_as_it_says_and_keeps_the_shape(width, height, rung):
    fitted = rung.fit(width, height)

    assert max(fitted) == min(max(width, height), rung.side)
    assert min(fitted) >= 1
    scale = max(fitted) / max(width, height)
    for side, whole in zip(fitted, (width, height), strict=True):
        assert abs(side - whole * scale) <= 0.5 or side == 1
