"""Parallel texts that are made: no file, no download, and an answer that is certain."""

from __future__ import annotations

import calendar
import random
from datetime import date, timedelta

from tsrnn.data.pairs.files import Texts

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_ONES = _SMALL.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_KOREAN_DIGITS = " 일이삼사오육칠팔구"
_MONTHS = list(calendar.month_name)[1:]
_FIRST, _LAST = date(1900, 1, 1), date(2099, 12, 31)


def english_number(number: int) -> str:
    """A number from 0 to 999,999 in English words: 21,005 is "twenty-one thousand five".

    Raises:
        ValueError: for a number outside.
    """
    if not 0 <= number < 1_000_000:
        raise ValueError(f"{number} is not between 0 and 999,999")
    if number >= 1000:
        head, tail = divmod(number, 1000)
        return f"{english_number(head)} thousand" + (f" {english_number(tail)}" if tail else "")
    if number >= 100:
        head, tail = divmod(number, 100)
        return f"{_ONES[head]} hundred" + (f" {english_number(tail)}" if tail else "")
    if number >= 20:
        head, tail = divmod(number, 10)
        return _TENS[head - 2] + (f"-{_ONES[tail]}" if tail else "")
    return _ONES[number]


def korean_number(number: int) -> str:
    """A number from 0 to 999,999 in Sino-Korean: 21,005 is "이만 천오".

    Raises:
        ValueError: for a number outside.
    """
    if not 0 <= number < 1_000_000:
        raise ValueError(f"{number} is not between 0 and 999,999")
    if number == 0:
        return "영"
    high, low = divmod(number, 10_000)
    parts = ["만" if high == 1 else f"{_below_ten_thousand(high)}만"] if high else []
    if low:
        parts.append(_below_ten_thousand(low))
    return " ".join(parts)


def _below_ten_thousand(number: int) -> str:
    words = ""
    for unit, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            words += ("" if digit == 1 and name else _KOREAN_DIGITS[digit]) + name
    return words


def numerals(count: int, seed: int, language: str = "en") -> Texts:
    """Numbers in digits, and in words: "21005" and "twenty-one thousand five".

    As many have one digit as have six, as far as there are different ones.

    Args:
        count: pairs, all different.
        seed: of the draws.
        language: en or ko, of the words.
    """
    say = {"en": english_number, "ko": korean_number}[language]
    draw = random.Random(seed)
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        chosen[draw.randrange(10 ** draw.randint(1, 6))] = None
    return Texts([str(number) for number in chosen], [say(number) for number in chosen])


def dates(count: int, seed: int) -> Texts:
    """Dates as people write them, and as ISO 8601 has them: "3rd of May 1999" and "1999-05-03".

    Args:
        count: pairs, all different.
        seed: of the draws.
    """
    draw = random.Random(seed)
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        day = _FIRST + timedelta(days=draw.randrange((_LAST - _FIRST).days + 1))
        pairs[_written(day, draw)] = day.isoformat()
    return Texts(list(pairs), list(pairs.values()))


def _written(day: date, draw: random.Random) -> str:
    month = _MONTHS[day.month - 1]
    short = month[:3]
    ordinal = f"{day.day}{_suffix(day.day)}"
    form = draw.choice(
        (
            f"{month} {day.day}, {day.year}",
            f"{day.day} {month} {day.year}",
            f"{ordinal} of {month} {day.year}",
            f"{short} {ordinal}, {day.year}",
            f"{day.strftime('%A')}, {month} {day.day}, {day.year}",
            f"{day.day}-{short}-{day.year}",
            f"{day.year} {month} {day.day}",
            f"{day.year}년 {day.month}월 {day.day}일",
            f"{day.year}. {day.month}. {day.day}.",
        )
    )
    return form if draw.random() < 0.8 else form.upper()


def _suffix(day: int) -> str:
    return "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
