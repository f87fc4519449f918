#include "proxy/ini.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

std::string flat(const Ini& ini) {
  std::string text;
  for (const IniEntry& entry : ini.entries) text += "[" + entry.section + "]" + entry.key + "=" + entry.value + "|";
  return text;
}

std::string errors(const Ini& ini) {
  std::string text;
  for (const Diagnostic& error : ini.errors) text += error.to_string() + "|";
  return text;
}

struct GoodCase {
  const char* text;
  const char* entries;
};

TEST(Ini, reads_what_pgbouncer_reads) {
  const GoodCase cases[] = {
      {"", ""},
      {"[s]\na = b", "[s]a=b|"},
      {"  [s]  \r\n\t a\t=\t b c \t\r\n", "[s]a=b c|"},
      {"[s]\na=\n", "[s]a=|"},
      {"[s]\na = b ; c # d\n", "[s]a=b ; c # d|"},
      {"[s]\n; a = b\n # c = d\n\n", ""},
      {"[s]\na = x = 'y'\n", "[s]a=x = 'y'|"},
      {"[s]\n* = host=h\nA-b_c.9 = 1\n", "[s]*=host=h|[s]A-b_c.9=1|"},
      {"[s]\n'my db' = 1\n'it\"s' = 2\n", "[s]my db=1|[s]it\"s=2|"},
      {"[s]\n\"my \"\"db\" = 1\n", "[s]my \"db=1|"},
      {"[a]\nx = 1\n[b]\nx = 2\n[a]\nx = 3\n", "[a]x=1|[b]x=2|[a]x=3|"},
  };
  for (const GoodCase& c : cases) {
    const Ini ini = parse_ini(c.text, "f.ini");
    EXPECT_EQ(errors(ini), "") << c.text;
    EXPECT_EQ(flat(ini), c.entries) << c.text;
  }
}

TEST(Ini, names_file_and_line_of_every_error) {
  const GoodCase cases[] = {
      {"a = b\n", "f.ini:1: setting before the first [section]|"},
      {"[s]\na\n", "f.ini:2: syntax error: expected key = value|"},
      {"[s]\n= b\n", "f.ini:2: syntax error: expected key = value|"},
      {"[s]\n'' = b\n", "f.ini:2: syntax error: expected key = value|"},
      {"[s]\na b = c\n", "f.ini:2: syntax error: expected key = value|"},
      {"[s]\n'a = c\n", "f.ini:2: syntax error: the quote of the key is not closed|"},
      {"[s]\n\"a\"\"= c\n", "f.ini:2: syntax error: the quote of the key is not closed|"},
      {"[s\n", "f.ini:1: syntax error: expected [section]|"},
      {"[]\n", "f.ini:1: syntax error: expected [section]|"},
      {"[s] x\n", "f.ini:1: syntax error: expected [section]|"},
      {"%includ x\n", "f.ini:1: syntax error: expected %include FILE|"},
      {"%include\n", "f.ini:1: syntax error: expected %include FILE|"},
      {"%includex y\n", "f.ini:1: syntax error: expected %include FILE|"},
      {"[s]\n\n\na\nb\n", "f.ini:4: syntax error: expected key = value|f.ini:5: syntax error: expected key = value|"},
  };
  for (const GoodCase& c : cases) EXPECT_EQ(errors(parse_ini(c.text, "f.ini")), c.entries) << c.text;
}

TEST(Ini, refuses_a_zero_byte) {
  EXPECT_EQ(errors(parse_ini(std::string_view("[s]\na=b\0c\n", 10), "f")), "f:2: zero byte in line|");
}

TEST(Ini, counts_how_often_a_section_was_opened) {
  const Ini ini = parse_ini("[a]\nx=1\n[b]\ny=1\n[a]\nx=2\n", "f");
  ASSERT_EQ(ini.entries.size(), 3u);
  EXPECT_EQ(ini.entries[0].section_number, 1);
  EXPECT_EQ(ini.entries[1].section_number, 1);
  EXPECT_EQ(ini.entries[2].section_number, 2);
  EXPECT_EQ(ini.entries[2].line, 6);
}

TEST(Ini, included_lines_continue_the_section_and_keep_their_own_place) {
  const tests::TemporaryFolder folder;
  const std::string part = folder.write("part.ini", "y = 2\n");
  const std::string main = folder.write("main.ini", "[s]\nx = 1\n%include part.ini\nz = 3\n");
  const Ini ini = read_ini(main);
  EXPECT_EQ(errors(ini), "");
  EXPECT_EQ(flat(ini), "[s]x=1|[s]y=2|[s]z=3|");
  EXPECT_EQ(ini.entries[1].file, part);
  EXPECT_EQ(ini.entries[1].line, 1);
  EXPECT_EQ(ini.entries[2].line, 4);
}

TEST(Ini, an_include_that_is_missing_or_endless_is_an_error_with_its_line) {
  const tests::TemporaryFolder folder;
  const std::string main = folder.write("main.ini", "[s]\n%include absent.ini\n");
  EXPECT_EQ(errors(read_ini(main)), main + ":2: cannot read \"absent.ini\": No such file or directory|");
  const std::string loop = folder.write("loop.ini", "%include loop.ini\n");
  EXPECT_EQ(errors(read_ini(loop)), loop + ":1: %include is nested too deep (limit 10)|");
}

TEST(Ini, a_file_that_cannot_be_read_is_an_error) {
  const tests::TemporaryFolder folder;
  const std::string absent = folder.path("absent.ini");
  EXPECT_EQ(errors(read_ini(absent)), absent + ": cannot read file: No such file or directory|");
  EXPECT_EQ(errors(read_ini(folder.path(""))), folder.path("") + ": cannot read file: Is a directory|");
}

TEST(Ini, finds_files_in_the_working_directory_and_then_beside_the_ini_file) {
  const tests::TemporaryFolder folder;
  const std::string ini = folder.write("main.ini", "");
  const std::string other = folder.write("other", "");
  EXPECT_EQ(find_file("other", ini), other);
  EXPECT_EQ(find_file(other, "elsewhere/main.ini"), other);
  EXPECT_EQ(find_file("absent", ini), "absent");
  EXPECT_EQ(find_file("", ini), "");
  EXPECT_EQ(beside("rules.lua", "conf/main.ini"), "conf/rules.lua");
  EXPECT_EQ(beside("rules.lua", "main.ini"), "rules.lua");
  EXPECT_EQ(beside("/etc/rules.lua", "conf/main.ini"), "/etc/rules.lua");
  EXPECT_EQ(beside("", "conf/main.ini"), "");
}

}  // namespace
}  // namespace pgswitch
