"""A second reader of the commit metadata: note and map of finished offsets (consumers/offsets.h, offsets_map.h)."""
import hashlib
import re

DIGITS = {c: n for n, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")}


def run_lengths(text):
    numbers, value, shift = [], 0, 0
    for c in text:
        digit = DIGITS[c]
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append(value)
            value, shift = 0, 0
    if shift or len(numbers) % 2:
        raise ValueError(f"a cut map: {text}")
    return numbers


def finished(text, base):
    """Offsets that a map calls finished."""
    if text == "-":
        return set()
    if text[0] == "b":
        return {base + 6 * n + bit for n, c in enumerate(text[1:]) for bit in range(6) if DIGITS[c] >> bit & 1}
    if text[0] != "r":
        raise ValueError(f"a map of an unknown form: {text}")
    result, at, numbers = set(), base, run_lengths(text[1:])
    for skip, count in zip(numbers[::2], numbers[1::2]):
        result |= set(range(at + skip, at + skip + count))
        at += skip + count
    return result


def parse(offset, metadata):
    body, check = metadata[:-8], metadata[-8:]
    found = re.fullmatch(r"1 [!-~]+ [-0-9]+ [-0-9]+ ([!-~]+) ", body)
    if not found:
        raise ValueError(f"not understood: {metadata}")
    if hashlib.sha256(f"{offset} {body}".encode()).hexdigest()[:8] != check:
        raise ValueError(f"the check does not fit: {offset} {metadata}")
    return finished(found.group(1), offset)
