#!/usr/bin/env python3
"""Writes saslprep_tables.hpp (python3 protocol/make_saslprep_tables.py > protocol/saslprep_tables.hpp).

Python's stringprep module has the tables of RFC 3454, unicodedata those of the normal form KC.
"""
import stringprep
import unicodedata

CODES = [code for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000]


def decompositions():
    for code in CODES:
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            yield [int(part, 16) for part in parts]


# Characters that may melt into the one before them, so that they are not to be judged alone.
JOINING = {second for _, second in decompositions()} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))


def is_left_to_right_and_allowed(char):
    prohibited = (stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
                  stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
                  stringprep.in_table_c9, stringprep.in_table_a1, stringprep.in_table_b1, stringprep.in_table_d1)
    return not any(table(char) for table in prohibited)


def is_inert(char):
    return (ord(char) < 0x80 or unicodedata.normalize("NFKC", char) == char) and \
        unicodedata.combining(char) == 0 and ord(char) not in JOINING and is_left_to_right_and_allowed(char)


def compatible(char):
    """What `char` becomes wherever it stands, or None."""
    target = unicodedata.normalize("NFKC", char)
    if target == char or not is_left_to_right_and_allowed(char):
        return None
    after_space = target[0] == " " and all(unicodedata.combining(part) for part in target[1:])
    return target if after_space or all(is_inert(part) for part in target) else None


def ranges(codes):
    result = []
    for code in codes:
        if result and result[-1][1] == code - 1:
            result[-1][1] = code
        else:
            result.append([code, code])
    return result


def octal(text):
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in text.encode())


def emit(items):
    line = " "
    for item in items:
        if len(line) + len(item) + 2 > 118:
            print(line)
            line = " "
        line += f" {item},"
    print(line)


inert = ranges(code for code in CODES if is_inert(chr(code)))
mapped = [(code, compatible(chr(code))) for code in CODES if code < 0x2500 or 0xFF00 <= code < 0xFFF0]

print("""#pragma once
// Written by make_saslprep_tables.py.
#include <cstdint>
#include <string_view>

namespace pgswitch::protocol::saslprep_tables {

/// First and last of a run of code points that SASLprep neither changes nor refuses, whatever stands beside them.
struct InertRange {
  std::uint32_t first;
  std::uint32_t last;
};
inline constexpr InertRange inert[] = {""")
emit("{0x%x, 0x%x}" % tuple(pair) for pair in inert)
print("""};

/// Code points below U+2500, and full-width forms, that the normal form KC changes, with what they become in UTF-8.
struct Compatible {
  std::uint32_t code;
  std::string_view becomes;
};
inline constexpr Compatible compatible[] = {""")
emit('{0x%x, "%s"}' % (code, octal(target)) for code, target in mapped if target)
print("""};

}  // namespace pgswitch::protocol::saslprep_tables""")
