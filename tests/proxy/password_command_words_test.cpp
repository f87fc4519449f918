#include <gtest/gtest.h>

#include "proxy/passwords/command_words.hpp"

namespace pgswitch {
namespace {

CommandSubject subject(std::string user = "alice", std::string host = "db.example.com", std::string database = "dev") {
  CommandSubject subject;
  subject.user = std::move(user);
  subject.host = std::move(host);
  subject.port = 5439;
  subject.database = std::move(database);
  return subject;
}

TEST(PasswordCommandWords, are_told_apart_as_a_shell_does_and_no_further) {
  std::string error;
  const struct {
    const char* text;
    CommandWords words;
  } table[] = {
      {"a", {"a"}},
      {"  a\tb  c ", {"a", "b", "c"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"a ''", {"a", ""}},
      {"a b'c d'e", {"a", "bc de"}},
      {"a \"b\\\"c\" 'd\\e' f\\ g", {"a", "b\"c", "d\\e", "f g"}},
      {"a $HOME `id` ;rm * | b > c", {"a", "$HOME", "`id`", ";rm", "*", "|", "b", ">", "c"}},
  };
  for (const auto& row : table) EXPECT_EQ(split_command(row.text, error), row.words) << row.text;
  for (const char* text : {"", "  ", "''", "a 'b", "a \"b", "a %", "a %x", "a %u%"}) EXPECT_FALSE(split_command(text, error)) << text;
}

TEST(PasswordCommandWords, names_stay_what_they_are_inside_one_word) {
  std::string error;
  const auto words = split_command("aws --db-user %u --host %h:%p --db=%d --pct 100%%", error);
  ASSERT_TRUE(words);
  EXPECT_EQ(fill_in(*words, subject(), error), (CommandWords{"aws", "--db-user", "alice", "--host", "db.example.com:5439", "--db=dev", "--pct", "100%"}));
  const std::string evil = "a b'\"; $(rm -rf /) %h\n";
  EXPECT_EQ(fill_in(*words, subject(evil), error)->at(2), evil) << "one word, and nothing in it is replaced again";
}

TEST(PasswordCommandWords, a_name_is_never_an_option) {
  std::string error;
  const auto words = split_command("cmd %u", error);
  ASSERT_TRUE(words);
  EXPECT_FALSE(fill_in(*words, subject("--profile=x"), error));
  EXPECT_NE(error.find("option"), std::string::npos);
  EXPECT_FALSE(fill_in(*words, subject(std::string("a\0b", 3)), error));
  EXPECT_TRUE(fill_in(*split_command("cmd --user=%u", error), subject("-x"), error));
}

}  // namespace
}  // namespace pgswitch
