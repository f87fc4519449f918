#include "proxy/userlist.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

constexpr const char* scram_secret =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

std::string lines(const std::vector<Diagnostic>& list) {
  std::string text;
  for (const Diagnostic& one : list) text += one.to_string() + "|";
  return text;
}

TEST(Userlist, reads_users_and_secrets) {
  const Userlist list = parse_userlist(
      "; comment\n"
      "\n"
      "\"a\" \"secret\"\n"
      "  \"b\"\t\"with \"\"quotes\"\" and ; and blanks \" ignored words\r\n"
      "\"c\"\"d\" \"\"\n"
      "\"e\" \"md5\"\n",
      "u");
  EXPECT_EQ(lines(list.errors), "");
  const std::map<std::string, std::string, std::less<>> expected = {
      {"a", "secret"}, {"b", "with \"quotes\" and ; and blanks "}, {"c\"d", ""}, {"e", "md5"}};
  for (const auto& [user, secret] : expected) EXPECT_EQ(list.secrets.at(user), secret);
}

TEST(Userlist, every_malformed_line_is_an_error_without_its_secret) {
  struct Case {
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"a hush", "u:1: broken auth file: expected \"user\" \"secret\": no user in double quotes|"},
      {"\"a", "u:1: broken auth file: expected \"user\" \"secret\": no user in double quotes|"},
      {"\"a\"", "u:1: broken auth file: expected \"user\" \"secret\": no secret in double quotes|"},
      {"\"a\" hush", "u:1: broken auth file: expected \"user\" \"secret\": no secret in double quotes|"},
      {"\"a\" \"hush", "u:1: broken auth file: expected \"user\" \"secret\": no secret in double quotes|"},
      {"\"a\" \"hush\"\"", "u:1: broken auth file: expected \"user\" \"secret\": no secret in double quotes|"},
      {"# no comment", "u:1: broken auth file: expected \"user\" \"secret\": no user in double quotes|"},
      {"\"\" \"hush\"", "u:1: broken auth file: the user name is empty|"},
      {"\"" + std::string(128, 'a') + "\" \"hush\"", "u:1: broken auth file: the user name is too long (limit 127 bytes)|"},
      {"\"a\" \"" + std::string(65531, 'h') + "\"", "u:1: broken auth file: the secret is too long (limit 65530 bytes)|"},
      {std::string("\"a\" \"hu\0sh\"", 11), "u:1: broken auth file: zero byte in line|"},
  };
  for (const Case& c : cases) EXPECT_EQ(lines(parse_userlist(c.text, "u").errors), c.message) << c.text;
}

TEST(Userlist, a_malformed_line_does_not_hide_the_others) {
  const Userlist list = parse_userlist("\"a\" \"1\"\nbroken\n\"b\" \"2\"\nbroken\n", "u");
  ASSERT_EQ(list.errors.size(), 2u);
  EXPECT_EQ(list.errors[0].line, 2);
  EXPECT_EQ(list.errors[1].line, 4);
  EXPECT_EQ(list.secrets.size(), 2u);
}

TEST(Userlist, limits_are_inclusive) {
  const Userlist list =
      parse_userlist("\"" + std::string(127, 'u') + "\" \"" + std::string(65530, 's') + "\"\n", "u");
  EXPECT_EQ(lines(list.errors), "");
  EXPECT_EQ(list.secrets.size(), 1u);
}

TEST(Userlist, the_later_of_two_lines_counts) {
  const Userlist list = parse_userlist("\"a\" \"1\"\n\"a\" \"2\"\n", "u");
  EXPECT_EQ(list.secrets.at("a"), "2");
  EXPECT_EQ(lines(list.warnings), "u:2: user \"a\" is listed twice: the later line counts|");
}

TEST(Userlist, warns_of_a_malformed_scram_verifier_without_showing_it) {
  const Userlist good = parse_userlist("\"a\" \"" + std::string(scram_secret) + "\"\n", "u");
  EXPECT_EQ(lines(good.warnings), "");
  const Userlist list = parse_userlist("\"a\" \"SCRAM-SHA-256$4096:hush\"\n", "u");
  ASSERT_EQ(list.warnings.size(), 1u);
  EXPECT_EQ(list.warnings[0].to_string().find("hush"), std::string::npos);
}

TEST(Userlist, a_file_that_cannot_be_read_is_an_error) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("absent");
  EXPECT_EQ(lines(read_userlist(path).errors), path + ": cannot read auth_file: No such file or directory|");
}

}  // namespace
}  // namespace pgswitch
