#include "proxy/command_line.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace pgswitch {
namespace {

struct Parsed {
  Command command;
  std::string out, err;
};

Parsed parse(std::vector<std::string> words) {
  words.insert(words.begin(), "pgswitch");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::ostringstream out, err;
  Command command = parse_command_line(static_cast<int>(words.size()), argv.data(), out, err);
  return {std::move(command), out.str(), err.str()};
}

int exit_code(const Parsed& parsed) {
  const auto* exit = std::get_if<ExitCommand>(&parsed.command);
  return exit ? exit->code : -1;
}

TEST(CommandLine, reads_pgbouncers_options_in_any_order) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"-d", "-q", "-R", "-v", "-v", "-u", "nobody", "f.ini"},
        {"f.ini", "-dqRvvunobody"},
        {"--daemon", "--quiet", "f.ini", "--reboot", "--verbose", "--verbose", "--user=nobody"}}) {
    const Parsed parsed = parse(words);
    const auto* run = std::get_if<RunCommand>(&parsed.command);
    ASSERT_NE(run, nullptr) << parsed.err;
    EXPECT_EQ(run->options.config_file, "f.ini");
    EXPECT_EQ(run->options.user, "nobody");
    EXPECT_EQ(run->options.verbose, 2);
    EXPECT_TRUE(run->options.daemon);
    EXPECT_TRUE(run->options.quiet);
    EXPECT_TRUE(run->reboot);
  }
}

TEST(CommandLine, complains_as_pgbouncer_does) {
  const std::string hint = "Try \"pgswitch --help\" for more information.\n";
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{}, "pgswitch: no configuration file specified\n"},
      {{"-q"}, "pgswitch: no configuration file specified\n"},
      {{"a", "b"}, "pgswitch: too many command-line arguments (first is \"b\")\n"},
      {{"-x", "a"}, "pgswitch: unrecognized option 'x'\n"},
      {{"--nope", "a"}, "pgswitch: unrecognized option '--nope'\n"},
      {{"--settings=x"}, "pgswitch: --settings takes nothing or man\n"},
      {{"a", "-u"}, "pgswitch: option requires an argument -- 'u'\n"},
      {{"check"}, "pgswitch: check needs one configuration file\n"},
      {{"check", "a", "b"}, "pgswitch: check needs one configuration file\n"},
      {{"explain", "a"}, "pgswitch: explain needs a configuration file and one SQL string\n"},
      {{"explain", "a", "b", "c"}, "pgswitch: explain needs a configuration file and one SQL string\n"},
      {{"test", "a"}, "pgswitch: test needs a configuration file and files of tests\n"},
      {{"test", "a", "b", "--junit"}, "pgswitch: option requires an argument -- '--junit'\n"},
      {{"replay", "a"}, "pgswitch: replay needs a configuration file and logs\n"},
      {{"replay", "--nope", "a", "b"}, "pgswitch: unrecognized option '--nope'\n"},
      {{"explain", "-z", "a", "b"}, "pgswitch: unrecognized option 'z'\n"},
  };
  for (const auto& [words, complaint] : cases) {
    const Parsed parsed = parse(words);
    EXPECT_EQ(exit_code(parsed), 1) << complaint;
    EXPECT_EQ(parsed.err, complaint + hint);
    EXPECT_EQ(parsed.out, "");
  }
}

TEST(CommandLine, answers_help_version_and_settings_at_once) {
  const std::pair<const char*, const char*> cases[] = {
      {"-V", "pgswitch " PGSWITCH_VERSION "\n"}, {"--version", "pgswitch " PGSWITCH_VERSION "\n"},
      {"-h", "pgswitch routes"}, {"--help", "pgswitch routes"}, {"--settings", "| setting |"}, {"--settings=man", ".TP\n.B admin_users\n"}};
  for (const auto& [word, start] : cases) {
    const Parsed parsed = parse({word});
    EXPECT_EQ(exit_code(parsed), 0);
    EXPECT_TRUE(parsed.out.starts_with(start)) << parsed.out;
    EXPECT_EQ(parsed.err, "");
  }
}

TEST(CommandLine, check_takes_a_file) {
  const Parsed parsed = parse({"check", "f.ini"});
  ASSERT_TRUE(std::holds_alternative<CheckCommand>(parsed.command));
  EXPECT_EQ(std::get<CheckCommand>(parsed.command).ini_path, "f.ini");
}

TEST(CommandLine, explain_takes_user_database_and_sql) {
  const std::vector<std::string> cases[] = {{"explain", "f.ini", "-u", "me", "-d", "db", "select 1"},
                                            {"explain", "-u", "me", "f.ini", "select 1", "--database=db"}};
  for (const auto& words : cases) {
    const Parsed parsed = parse(words);
    const auto* request = std::get_if<ExplainRequest>(&parsed.command);
    ASSERT_NE(request, nullptr) << parsed.err;
    EXPECT_EQ(request->ini_path, "f.ini");
    EXPECT_EQ(request->user, "me");
    EXPECT_EQ(request->database, "db");
    EXPECT_EQ(request->sql, "select 1");
  }
  EXPECT_FALSE(std::get<ExplainRequest>(parse({"explain", "f.ini", "select 1"}).command).json);
  EXPECT_TRUE(std::get<ExplainRequest>(parse({"explain", "f.ini", "--json", "select 1"}).command).json);
  const Parsed comment = parse({"explain", "f.ini", "--", "-- hint\nselect 1"});
  EXPECT_EQ(std::get<ExplainRequest>(comment.command).sql, "-- hint\nselect 1");
}

TEST(CommandLine, test_takes_files_and_what_to_write) {
  const Parsed parsed = parse({"test", "f.ini", "--junit", "out.xml", "a.lua", "b.lua", "--coverage", "--allow-unhit", "-v"});
  const auto* request = std::get_if<TestRequest>(&parsed.command);
  ASSERT_NE(request, nullptr) << parsed.err;
  EXPECT_EQ(request->ini_path, "f.ini");
  EXPECT_EQ(request->test_files, (std::vector<std::string>{"a.lua", "b.lua"}));
  EXPECT_EQ(request->junit_file, "out.xml");
  EXPECT_TRUE(request->coverage && request->allow_unhit && request->verbose);
  const auto plain = std::get<TestRequest>(parse({"test", "f.ini", "a.lua"}).command);
  EXPECT_FALSE(plain.coverage || plain.allow_unhit || plain.verbose);
}

TEST(CommandLine, replay_takes_logs_and_another_configuration) {
  const Parsed parsed = parse({"replay", "f.ini", "a.log", "--against", "g.ini", "b.csv", "--json", "-u", "me", "-d", "db"});
  const auto* request = std::get_if<ReplayRequest>(&parsed.command);
  ASSERT_NE(request, nullptr) << parsed.err;
  EXPECT_EQ(request->ini_path, "f.ini");
  EXPECT_EQ(request->against, "g.ini");
  EXPECT_EQ(request->logs, (std::vector<std::string>{"a.log", "b.csv"}));
  EXPECT_EQ(request->user, "me");
  EXPECT_EQ(request->database, "db");
  EXPECT_TRUE(request->json);
}

}  // namespace
}  // namespace pgswitch
