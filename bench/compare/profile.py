"""User instructions of one transaction through pgswitch by file and function: callgrind, two runs of different length, subtracted.

    PGSWITCH=build/pgswitch /usr/bin/python3 bench/compare/profile.py [simple|extended|prepared|login] [clients] [lines] [rules.lua]
"""
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from ways import Stage, Way, make_folder

from counts import difference, load
from launch import temporary_folder
from load import open_servers, pgbench


def by_function(profile):
    text = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", profile], capture_output=True, text=True).stdout
    counts = Counter()
    for number, file, function in re.findall(r"^ *([\d,]+) \( *[\d.]+%\) +(\S*?):(.*?)(?: \[[^]]*\])?$", text, re.M):
        function = function.replace("std::basic_string_view<char, std::char_traits<char> >", "string_view").replace("pgswitch::", "")
        counts[f"{file.rpartition('/')[2]}: {function}"] += int(number.replace(",", ""))
    return counts


def main():
    protocol, clients, lines, *rules = (*sys.argv[1:], *("simple", "1", "60")[len(sys.argv) - 1:])
    rules = {"rules": Path(rules[0]).read_text()} if rules else {}
    cell = (protocol, int(clients))
    folder = temporary_folder()
    try:
        with Stage(folder, 1) as stage:
            def counted(transactions):
                profile = make_folder(folder / f"profile{transactions}") / "out"
                with stage.pooler("pgswitch", under=f"valgrind --tool=callgrind --callgrind-out-file={profile}", **rules) as pooler:
                    way = Way("pgswitch", pooler.port)
                    open_servers(way, int(clients) + 2)
                    pgbench(way, *load(cell, transactions))
                return by_function(profile)
            each = difference(counted, cell, 5000)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    by_file = Counter()
    for name, count in each.items():
        by_file[name.split(":")[0]] += count
    print(f"{sum(each.values()):8.0f} in all")
    for counts in (by_file, Counter(each)):
        print("\n" + "\n".join(f"{count:8.0f} {name[:150]}" for name, count in counts.most_common(int(lines))))


if __name__ == "__main__":
    main()
