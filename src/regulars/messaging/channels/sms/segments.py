"""Into how many parts a short message is cut, which is what it costs (3GPP TS 23.038 and 23.040)."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM_ALONE, _GSM_PART = 160, 153
_UCS_ALONE, _UCS_PART = 70, 67


def is_gsm(text: str) -> bool:
    """Return whether a text needs no more than seven bits a character."""
    return all(letter in _BASIC or letter in _EXTENDED for letter in text)


def segments(text: str) -> int:
    """Return how many parts a text is sent as; no character is torn apart between two.

    160 characters of seven bits or 70 of sixteen go alone, 153 or 67 to each of several parts. The euro sign, brackets and the
    like count twice among seven bits, characters beyond the Basic Multilingual Plane (most emoji) twice among sixteen.
    """
    if is_gsm(text):
        widths, alone, part = [2 if letter in _EXTENDED else 1 for letter in text], _GSM_ALONE, _GSM_PART
    else:
        widths, alone, part = [2 if ord(letter) > 0xFFFF else 1 for letter in text], _UCS_ALONE, _UCS_PART  # noqa: PLR2004  the plane's end
    if sum(widths) <= alone:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts


def dressed(text: str, *, sign: str, opt_out: str) -> str:
    """Return a text with the sign that carriers in China demand before it, and how to opt out behind it."""
    before = f"【{sign}】" if sign and not text.startswith("【") else ""
    behind = f" {opt_out}" if opt_out and opt_out not in text else ""
    return f"{before}{text.strip()}{behind}"
