#!/bin/bash
# Rules that the compiler does not check, over the sources of the tree; run by ctest.
#
#   tests/check.sh text       words, sizes, and the g++ 12.2 co_await rule
#   tests/check.sh headers    every header compiles alone
set -uo pipefail
shopt -s lastpipe  # complain, the last of a pipeline, sets `failed` here
cd "$(dirname "$0")/.." || exit 2
failed=0

# complain MESSAGE: fails when there is something on standard input, and prints it.
complain() {
  local found
  found=$(cat)
  if [ -n "$found" ]; then
    printf '%s\n%s\n\n' "-- $1" "$found"
    failed=1
  fi
}

files() {
  find protocol rules proxy conf tests bench .ci CMakeLists.txt README.md -type f "$@" \
    -not -path '*/node_modules/*' -not -path '*/__pycache__/*' 2>/dev/null | sort
}

sources() {
  files \( -name '*.cpp' -o -name '*.hpp' \)
}

# Each expression with co_await on one line: FILE:LINE:text from the line of the co_await to the end of its parentheses.
awaited() {
  sources | xargs -r awk '
    FNR == 1 { depth = 0; text = "" }
    { line = $0; sub(/\/\/.*/, "", line) }
    depth == 0 && line !~ /co_await/ { next }
    depth == 0 { start = FNR; text = "" }
    {
      text = text " " line
      rest = depth == 0 ? substr(line, index(line, "co_await")) : line
      depth += gsub(/\(/, "(", rest) - gsub(/\)/, ")", rest)
      if (depth <= 0) { print FILENAME ":" start ":" text; depth = 0 }
    }'
}

# g++ 12.2 destroys some temporaries twice when they are made inside an expression that has co_await: no capturing lambda and
# no braced temporary in it, and no co_await inside braces that initialise something.
check_co_await() {
  awaited | grep -E 'co_await[^;]*\[[^];]*[&=a-z_][^];]*\] *(\([^)]*\) *)?(mutable *|noexcept *)*(->[^{]*)?\{' \
    | complain "a capturing lambda inside an expression with co_await: name it on the line before"
  awaited | grep -E 'co_await[^;{]*[A-Za-z_>]\{' \
    | complain "a braced temporary inside an expression with co_await: name it on the line before"
  awaited | grep -E 'co_await[^;{]*[(,] *\{' \
    | complain "a braced argument inside an expression with co_await: name it on the line before"
  sources | xargs -r grep -nE '([A-Za-z_>] *|= *|return *|[(,] *)\{[^{};]*co_await' \
    | grep -vE '\) *\{|(else|do|try|const|noexcept|mutable) *\{|-> *[A-Za-z_:]*(<[^>]*>)? *\{' \
    | complain "co_await inside a braced initialiser: await first, initialise after"
}

check_words() {
  local todo='TO''DO|FIX''ME|XX''X:|HA''CK'
  files | xargs -r grep -nIE "\b($todo)" | complain "unfinished work is an issue, not a comment"
  local places='/(work|root|home/[a-z]+)/|/tmp/[a-z]+-[a-z]+/'
  files -not -path tests/check.sh -not -path tests/rules/corpus/manual.jsonl | xargs -r grep -nIE "(^|[^A-Za-z0-9_.])$places" | complain "a path of one machine"
  files -not -path 'tests/fuzz/corpus/*' | xargs -r grep -lI $'\r$' | complain "carriage returns at line ends"
  sources | grep '\.hpp$' | xargs -r grep -nE '\busing namespace\b' | complain "using namespace in a header"
}

check_sizes() {
  # Tests are tables of cases for the greater part, and may be longer.
  sources | xargs -r wc -l | awk '$2 != "total" && $1 > ($2 ~ /^tests\// ? 500 : 400) { print $2 ": " $1 " lines" }' \
    | complain "over 400 lines (500 for tests): split by noun"
  files -name '*.hpp' | xargs -r grep -L '#pragma once' | complain "no #pragma once"
}

compile_alone() {
  local header="$1" output
  if ! output=$(echo "#include \"$header\"" | g++ -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Werror -I. \
      -isystem /usr/include/lua5.4 -isystem /usr/include/postgresql/15/server \
      -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_ASIO_NO_DEPRECATED -DPGSWITCH_VERSION='"0"' -x c++ - 2>&1); then
    printf '%s:\n%s\n' "$header" "$(head -n 12 <<<"$output")"
  fi
}
export -f compile_alone

check_headers() {
  files -name '*.hpp' -not -name 'pch.hpp' | xargs -r -P 2 -I{} bash -c 'compile_alone {}' \
    | complain "a header that does not compile alone"
}

case "${1:-text}" in
  text) check_co_await; check_words; check_sizes ;;
  headers) check_headers ;;
  *) echo "usage: tests/check.sh [text|headers]" >&2; exit 2 ;;
esac
[ "$failed" = 0 ] && echo "ok: $(sources | wc -l) source files"
exit "$failed"
