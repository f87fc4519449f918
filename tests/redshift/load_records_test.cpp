#include "tests/redshift/load_records.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <span>

namespace pgswitch::stand_in {
namespace {

using FormatOptions = std::function<void(LoadFormat&)>;

/// "field,field|..." of each record: NULL as <null>, an error as !code, the line in front of each record.
std::string shown(std::string_view file, const LoadFormat& format, std::size_t piece) {
  RecordReader reader(format);
  Record record;
  std::string result;
  const auto take = [&] {
    while (reader.next(record)) {
      result += std::to_string(record.line) + ":";
      if (record.error.code != 0) result += "!" + std::to_string(record.error.code);
      for (const Field& field : record.fields) result += "[" + (field.is_null ? "<null>" : field.value) + "]";
      result += " ";
    }
  };
  for (std::size_t at = 0; at < file.size(); at += piece) {
    reader.add(file.substr(at, piece));
    take();
  }
  reader.end();
  take();
  return result;
}

struct Case {
  std::string_view file;
  FormatOptions options;
  const char* records;
};

void check(std::span<const Case> cases) {
  for (const Case& one : cases) {
    LoadFormat format;
    if (one.options) one.options(format);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, one.file.size()})
      EXPECT_EQ(shown(one.file, format, piece), one.records) << one.file << " in pieces of " << piece;
  }
}

TEST(RedshiftRecords, Delimited) {
  using namespace std::string_view_literals;
  const FormatOptions escape = [](LoadFormat& f) { f.escape = true; };
  const FormatOptions quotes = [](LoadFormat& f) { f.remove_quotes = f.escape = true; };
  const Case cases[] = {
      {"a|b\nc|d\n", {}, "1:[a][b] 2:[c][d] "},
      {"a|b", {}, "1:[a][b] "},
      {"a|\n|b\r\nc|", {}, "1:[a][] 2:[][b] 3:[c][] "},
      {"\n\na\n", {}, "1:[] 2:[] 3:[a] "},
      {"\n\na\n", [](LoadFormat& f) { f.ignore_blank_lines = true; }, "3:[a] "},
      {"h\na\n", [](LoadFormat& f) { f.ignore_header = 1; }, "2:[a] "},
      // Without ESCAPE a backslash is one; \N is NULL.
      {"\\N|\\|x\n", {}, "1:[<null>][\\][x] "},
      // With it the next byte stands for itself, and \n is the letter n.
      {"\\N|\\\\N|a\\nb|a\\|b\n", escape, "1:[<null>][<null>][anb][a|b] "},
      {"a\\\nb|c\nd|e\n", escape, "1:[a\nb][c] 3:[d][e] "},
      {"a\\\\|b\n", escape, "1:[a\\][b] "},
      {"NUL|x\n", [](LoadFormat& f) { f.null_text = "NUL"; }, "1:[<null>][x] "},
      {"\\N|x\n", [](LoadFormat& f) { f.null_text = "NUL"; }, "1:[\\N][x] "},
      {"\\\\N|#\n", [](LoadFormat& f) { f.null_text = "#", f.escape = true; }, "1:[\\N][<null>] "},
      {"a,b\n", [](LoadFormat& f) { f.delimiter = ','; }, "1:[a][b] "},
      {"'a|b'|\"c\"\"\n", quotes, "1:!1214[a|b][c] "},
      {"'a|b'|\"c'\"|d'\n", quotes, "1:[a|b][c'][d'] "},
      {"'it\\'s'\n", quotes, "1:[it's] "},
      {"'a\nb", quotes, "1:!1214[a\nb] "},
      // NUL ends a record.
      {"a|b\0c|d\ne|f\n"sv, {}, "1:[a][b] 2:[e][f] "},
      {"", {}, ""},
  };
  check(cases);
}

TEST(RedshiftRecords, Csv) {
  const FormatOptions csv = [](LoadFormat& f) { f.csv = true, f.delimiter = ','; };
  const Case cases[] = {
      {"a,b\n\"c\",\"d,e\"\n", csv, "1:[a][b] 2:[c][d,e] "},
      {"\"a\"\"b\",\"\"\n", csv, "1:[a\"b][] "},
      {"\"a\nb\",c\nd,e\n", csv, "1:[a\nb][c] 3:[d][e] "},
      {"  \"a\"  , b \n", csv, "1:[a][ b ] "},
      {"\\N,\"\\N\",,\"\"\n", csv, "1:[<null>][\\N][][] "},
      {"a\"b,c\n", csv, "1:!1214[a\"b][c] "},
      {"\"a\"b,c\n", csv, "1:!1214[a][c] "},
      {"\"a,b\n", csv, "1:!1214[a,b\n] "},
      {"\"a\\n\"\n", csv, "1:[a\\n] "},
      {"'a,b';c\n", [](LoadFormat& f) { f.csv = true, f.delimiter = ';', f.quote = '\''; }, "1:[a,b][c] "},
      {"h1,h2\r\n1,2\r\n", [](LoadFormat& f) { f.csv = true, f.delimiter = ',', f.ignore_header = 1; }, "2:[1][2] "},
  };
  check(cases);
}

}  // namespace
}  // namespace pgswitch::stand_in
