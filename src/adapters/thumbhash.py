"""ThumbHash: an image in about 25 bytes (Evan Wallace's reference algorithm, evanw/thumbhash)."""

from math import cos, pi

Channel = list[float]


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """The hash of a picture of at most 100 pixels a side, 4 bytes a pixel."""
    luma, yellow_blue, red_green, alpha = _channels(rgba)
    transparent = sum(alpha) < width * height
    limit, longest = (5 if transparent else 7), max(width, height)
    nx = max(1, round(limit * width / longest))
    ny = max(1, round(limit * height / longest))
    l_dc, l_ac, l_scale = _encoded(luma, width, height, max(3, nx), max(3, ny))
    p_dc, p_ac, p_scale = _encoded(yellow_blue, width, height, 3, 3)
    q_dc, q_ac, q_scale = _encoded(red_green, width, height, 3, 3)
    landscape = width > height
    head = (
        round(63 * l_dc)
        | round(31.5 + 31.5 * p_dc) << 6
        | round(31.5 + 31.5 * q_dc) << 12
        | round(31 * l_scale) << 18
        | transparent << 23
    )
    tail = (
        (ny if landscape else nx)
        | round(63 * p_scale) << 3
        | round(63 * q_scale) << 9
        | landscape << 15
    )
    packed = bytearray(head.to_bytes(3, "little") + tail.to_bytes(2, "little"))
    factors = l_ac + p_ac + q_ac
    if transparent:
        a_dc, a_ac, a_scale = _encoded(alpha, width, height, 5, 5)
        packed.append(round(15 * a_dc) | round(15 * a_scale) << 4)
        factors += a_ac
    nibbles = [round(15 * factor) for factor in factors] + [0]
    packed += bytes(nibbles[at] | nibbles[at + 1] << 4 for at in range(0, len(factors), 2))
    return bytes(packed)


def _channels(rgba: bytes) -> tuple[Channel, Channel, Channel, Channel]:
    """Luminance, yellow against blue, red against green, alpha; blended on the average colour."""
    alpha = [a / 255 for a in rgba[3::4]]
    weight = sum(alpha) or 1.0
    colours = []
    for offset in range(3):
        values = [c / 255 for c in rgba[offset::4]]
        average = sum(a * c for a, c in zip(alpha, values, strict=True)) / weight
        colours.append([average * (1 - a) + a * c for a, c in zip(alpha, values, strict=True)])
    pixels = list(zip(*colours, strict=True))
    luma = [(r + g + b) / 3 for r, g, b in pixels]
    yellow_blue = [(r + g) / 2 - b for r, g, b in pixels]
    red_green = [r - g for r, g, _ in pixels]
    return luma, yellow_blue, red_green, alpha


def _encoded(
    channel: Channel, width: int, height: int, nx: int, ny: int
) -> tuple[float, list[float], float]:
    """A cosine transform's triangle of low frequencies: constant part, others in 0..1, scale."""
    columns = [[cos(pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(nx)]
    rows = [[cos(pi / height * cy * (y + 0.5)) for y in range(height)] for cy in range(ny)]
    lines = [channel[y * width : (y + 1) * width] for y in range(height)]
    across = [[sum(map(float.__mul__, line, column)) for line in lines] for column in columns]
    factors = [
        sum(map(float.__mul__, across[cx], rows[cy])) / (width * height)
        for cy in range(ny)
        for cx in range(nx)
        if cx * ny < nx * (ny - cy)
    ]
    constant, *others = factors
    scale = max((abs(factor) for factor in others), default=0.0)
    if scale:
        others = [0.5 + 0.5 / scale * factor for factor in others]
    return constant, others, scale
