#include "proxy/passwords/password_commands.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>
#include <gtest/gtest.h>
#include <list>

#include "proxy/clock.hpp"
#include "proxy/passwords/command_output.hpp"
#include "proxy/poller.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

namespace asio = boost::asio;
using tests::TemporaryFolder;

CommandOutput run(CommandWords words, CommandLimits limits = {}) {
  const std::atomic<bool> stop{false};
  return run_command(words, limits, stop);
}
CommandWords shell(std::string script) { return {"/bin/sh", "-c", std::move(script)}; }

TEST(CommandOutput, is_what_the_program_says_and_how_it_ends) {
  const CommandOutput good = run(shell("echo out; echo bad >&2"));
  EXPECT_EQ(good.error, "");
  EXPECT_EQ(good.output, "out\n");
  EXPECT_EQ(good.complaints, "bad\n");
  EXPECT_EQ(run(shell("exit 3")).error, "exit status 3");
  EXPECT_EQ(run(shell("kill -TERM $$")).error, "killed by signal 15");
  EXPECT_NE(run({"/no/such/program"}).error.find("cannot run \"/no/such/program\""), std::string::npos);
  EXPECT_EQ(run({"printf", "%s", "$(id) `id` a  b"}).output, "$(id) `id` a  b") << "no shell";
  EXPECT_EQ(run(shell("cat; ls /proc/self/fd | wc -l")).output, "4\n") << "nothing to read, and no descriptor but the three and that of ls";
}

TEST(CommandOutput, has_limits) {
  CommandLimits limits;
  limits.output_bytes = 1000;
  EXPECT_EQ(run(shell("head -c 1000 /dev/zero | tr '\\0' x"), limits).output, std::string(1000, 'x'));
  EXPECT_EQ(run(shell("yes"), limits).error, "it printed more than 1000 bytes");
  EXPECT_LE(run(shell("yes >&2 & sleep 0.1; kill $!"), limits).complaints.size(), 4096u);
  limits.time_us = 50'000;
  EXPECT_EQ(run(shell("sleep 100"), limits).error, "it took longer than password_command_timeout");
}

TEST(CommandOutput, ends_what_the_program_has_started) {
  const TemporaryFolder folder;
  const std::string file = folder.path("pid");
  const CommandOutput output = run(shell("sleep 100 & echo $! > " + file + "; echo secret"));
  EXPECT_EQ(output.error, "");
  EXPECT_EQ(output.output, "secret\n") << "although somebody still has the pipe open";
  std::ifstream in(file);
  pid_t child = 0;
  in >> child;
  ASSERT_GT(child, 0);
  const auto is_gone = [child] {
    std::ifstream status("/proc/" + std::to_string(child) + "/stat");
    std::string number, name, state;
    return !(status >> number >> name >> state) || state == "Z";
  };
  const std::int64_t end = steady_us() + 10'000'000;
  while (!is_gone() && steady_us() < end) {}
  EXPECT_TRUE(is_gone());
}

TEST(CommandOutput, a_program_is_ended_when_pgswitch_is) {
  const std::atomic<bool> stop{true};
  EXPECT_EQ(run_command(shell("sleep 100"), {}, stop).error, "pgswitch is shutting down");
}

/// A loop on which logins ask.
struct Asking {
  asio::io_context io{1};
  Poller poller{io};
  std::list<PasswordAnswer> answers;
  int ended = 0;
  PasswordCommands commands;

  static PasswordQuestion question(std::string script, std::string user = "alice") {
    PasswordQuestion question;
    std::string quoted;
    for (const char c : script) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    question.command = "/bin/sh -c '" + quoted + "' sh %u";
    question.subject.user = std::move(user);
    question.subject.database = "dev";
    question.lifetime_us = 600'000'000;
    return question;
  }
  PasswordAnswer& start(PasswordQuestion question, std::int64_t deadline_us = 0) {
    PasswordAnswer& answer = answers.emplace_back();
    asio::co_spawn(io, ask(std::move(question), deadline_us, answer), asio::detached);
    return answer;
  }
  asio::awaitable<void> ask(PasswordQuestion question, std::int64_t deadline_us, PasswordAnswer& answer) {
    co_await commands.ask(io, std::move(question), deadline_us, answer);
    ++ended;
  }
  void run_until(int count) {
    const std::int64_t end = steady_us() + 10'000'000;
    while (ended < count && steady_us() < end) poller.turn(1);
    ASSERT_EQ(ended, count);
  }
  const PasswordAnswer& answer(PasswordQuestion asked) {
    const int before = ended;
    const PasswordAnswer& answer = start(std::move(asked));
    run_until(before + 1);
    return answer;
  }
};

/// A script that notes each of its runs, and how often it has run.
struct Counted {
  TemporaryFolder folder;
  std::string file = folder.path("runs");
  std::string script(const std::string& rest) const { return "echo x >> " + file + "; " + rest; }
  int runs() const {
    std::ifstream in(file);
    int count = 0;
    for (std::string line; std::getline(in, line);) ++count;
    return count;
  }
};

TEST(PasswordCommands, ask_once_for_all_who_wait_and_remember) {
  Asking asking;
  const Counted counted;
  const PasswordQuestion question = Asking::question(counted.script("echo secret-$1"));
  for (int i = 0; i < 20; ++i) asking.start(question);
  asking.run_until(20);
  for (const PasswordAnswer& answer : asking.answers) {
    EXPECT_EQ(answer.error, "");
    EXPECT_EQ(answer.password.text(), "secret-alice");
    EXPECT_TRUE(answer.is_fresh);
  }
  EXPECT_FALSE(asking.answer(question).is_fresh);
  EXPECT_EQ(counted.runs(), 1);
  EXPECT_EQ(asking.answer(Asking::question(counted.script("echo secret-$1"), "bob")).password.text(), "secret-bob");
  EXPECT_EQ(counted.runs(), 2) << "another user, another password";
}

TEST(PasswordCommands, ask_again_when_the_password_has_ended_or_was_refused) {
  Asking asking;
  const Counted counted;
  const PasswordQuestion ended = Asking::question(counted.script(R"(printf '{"password": "p", "expiration": "2001-01-01T00:00:00Z"}')"));
  EXPECT_EQ(asking.answer(ended).password.text(), "p") << "who has waited gets it all the same";
  EXPECT_EQ(asking.answer(ended).error, "");
  EXPECT_EQ(counted.runs(), 2);
  const PasswordQuestion good = Asking::question(counted.script(R"(printf '{"user": "IAM:alice", "password": "p", "expiration": 900}')"));
  EXPECT_EQ(asking.answer(good).user, "IAM:alice");
  asking.commands.forget(good, protocol::SecretText("another"));
  EXPECT_FALSE(asking.answer(good).is_fresh) << "it was asked for anew already";
  asking.commands.forget(good, protocol::SecretText("p"));
  EXPECT_TRUE(asking.answer(good).is_fresh);
  EXPECT_EQ(counted.runs(), 4);
}

TEST(PasswordCommands, tell_a_failure_and_do_not_repeat_it_at_once) {
  Asking asking;
  const Counted counted;
  const PasswordQuestion question = Asking::question(counted.script("echo topsecret; exit 7"));
  const std::string error = asking.answer(question).error;
  EXPECT_EQ(error, "password_command failed: exit status 7 (database \"dev\", user \"alice\")");
  EXPECT_EQ(asking.answer(question).error, error);
  EXPECT_EQ(counted.runs(), 1);
  EXPECT_NE(asking.answer(Asking::question("true")).error.find("it printed no password"), std::string::npos);
}

TEST(PasswordCommands, do_not_keep_a_login_longer_than_it_has_time) {
  Asking asking;
  const Counted counted;
  const PasswordQuestion question = Asking::question(counted.script("sleep 0.2; echo late"));
  const PasswordAnswer& answer = asking.start(question, steady_us() + 1000);
  asking.run_until(1);
  EXPECT_NE(answer.error.find("has not answered in time"), std::string::npos);
  EXPECT_EQ(asking.answer(question).password.text(), "late");
  EXPECT_EQ(counted.runs(), 1) << "the next one waits for the same run";
}

TEST(PasswordCommands, end_with_the_process_although_a_program_runs) {
  auto asking = std::make_unique<Asking>();
  asking->start(Asking::question("sleep 100"));
  asking->poller.turn(0);
  const std::int64_t begin = steady_us();
  asking.reset();
  EXPECT_LT(steady_us() - begin, 50'000'000);
}

TEST(PasswordCommands, what_a_program_complains_of_is_logged_without_secrets) {
  EXPECT_EQ(harmless_complaints("warning: two\nlines\n", ""), "warning: two lines");
  EXPECT_EQ(harmless_complaints("I made topsecret for you", "topsecret\n"), "I made **** for you");
  for (const std::string text : {"password=topsecret", "Password: topsecret", "PGPASSWORD='topsecret' psql", "token \"topsecret\"", "X-Amz-Signature=topsecret&b",
                                 "aws_secret: topsecret", "SecretAccessKey=topsecret", "X-Amz-Security-Token=topsecret"})
    EXPECT_EQ(harmless_complaints(text, "").find("topsecret"), std::string::npos) << harmless_complaints(text, "");
  EXPECT_LE(harmless_complaints(std::string(100'000, 'x'), "").size(), 500u);
}

}  // namespace
}  // namespace pgswitch
