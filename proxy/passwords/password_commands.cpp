#include "proxy/passwords/password_commands.hpp"

#include <algorithm>
#include <chrono>

#include "proxy/alarm.hpp"
#include "proxy/clock.hpp"
#include "proxy/config_values.hpp"
#include "proxy/log.hpp"
#include "proxy/passwords/command_output.hpp"
#include "proxy/passwords/printed_password.hpp"

namespace pgswitch {

namespace asio = boost::asio;

/// Shared by the two threads; dies on the loop's.
struct PasswordCommands::Wait {
  explicit Wait(asio::io_context& io) : alarm(io) {}
  Alarm alarm;
};

namespace {

constexpr std::int64_t failure_life_us = 5 * one_second;
/// A password is given up so long before its end, or when half of its life is over if that is later.
constexpr std::int64_t margin_us = 60 * one_second;
/// Names of users are many where "*" takes all.
constexpr std::size_t most_entries = 10'000;
constexpr std::size_t longest_complaint = 500;

std::int64_t unix_now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string place_of(const PasswordQuestion& question) {
  return "(database \"" + question.subject.database + "\", user \"" + question.subject.user + "\")";
}

/// Replaces what follows each "password", "token", ... up to the next blank or quote behind its value.
void mask_values(std::string& text, std::string_view word) {
  constexpr std::string_view between = " \t:=\"'";
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at)) {
    at += word.size();
    const std::size_t begin = text.find_first_not_of(between, at);
    if (begin == text.npos || begin == at) continue;
    const std::size_t end = std::min(text.find_first_of(" \t\"',}&", begin), text.size());
    text.replace(begin, end - begin, "****");
    at = begin;
  }
}

std::int64_t good_until(const PrintedPassword& printed, std::int64_t now_us, std::int64_t now_unix_us, std::int64_t lifetime_us) {
  const std::int64_t life = printed.expires_unix_us ? *printed.expires_unix_us - now_unix_us : lifetime_us;
  return now_us + std::max(life - margin_us, life / 2);
}

}  // namespace

std::string harmless_complaints(std::string_view complaints, std::string_view output) {
  std::string text(trim(complaints));
  const std::string_view secret = trim(output);
  if (secret.size() >= 4)
    for (std::size_t at = text.find(secret); at != text.npos; at = text.find(secret, at)) text.replace(at, secret.size(), "****");
  std::replace(text.begin(), text.end(), '\n', ' ');
  for (const std::string_view word : {"assword", "ASSWORD", "oken", "OKEN", "ecret", "ECRET", "ignature", "redential", "AccessKey", "ccess-key"}) mask_values(text, word);
  if (text.size() > longest_complaint) text.resize(longest_complaint);
  return text;
}

void PasswordCommands::end() {
  stop_.store(true);
  threads_.reset();
}

asio::awaitable<void> PasswordCommands::ask(asio::io_context& io, PasswordQuestion question, std::int64_t deadline_us, PasswordAnswer& answer) {
  std::string problem;
  const std::optional<CommandWords> words = split_command(question.command, problem);
  const std::optional<CommandWords> filled = words ? fill_in(*words, question.subject, problem) : std::nullopt;
  if (!filled) {
    answer.error = "password_command cannot be run: " + problem + " " + place_of(question);
    co_return;
  }
  Key key = *filled;
  key.push_back(question.subject.user);
  key.push_back(question.subject.database);
  if (recall(key, steady_us(), answer)) co_return;
  const std::shared_ptr<Wait> wait = begin_waiting(io, key, question, *filled);
  const bool in_time = co_await wait->alarm.wait(deadline_us);
  if (!in_time) answer.error = "password_command has not answered in time " + place_of(question);
  else if (!recall(key, 0, answer)) answer.error = "password_command has given no password " + place_of(question);
  answer.is_fresh = true;
}

bool PasswordCommands::recall(const Key& key, std::int64_t now_us, PasswordAnswer& answer) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.running || found->second.good_until_us <= now_us) return false;
  answer.password = found->second.password;
  answer.user = found->second.user;
  answer.error = found->second.error;
  answer.is_fresh = false;
  return true;
}

std::shared_ptr<PasswordCommands::Wait> PasswordCommands::begin_waiting(asio::io_context& io, const Key& key, const PasswordQuestion& question,
                                                                        CommandWords words) {
  auto wait = std::make_shared<Wait>(io);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= most_entries) sweep(steady_us());
  Entry& entry = entries_[key];
  entry.waiting.emplace_back(&io, wait);
  if (entry.running) return wait;
  entry.running = true;
  threads_->post([this, key, question, words = std::move(words)] { run(key, question, words); });
  return wait;
}

/// On a thread of `threads_`.
void PasswordCommands::run(const Key& key, const PasswordQuestion& question, const CommandWords& words) {
  CommandLimits limits;
  if (question.time_us > 0) limits.time_us = question.time_us;
  CommandOutput printed = run_command(words, limits, stop_);
  Entry result;
  std::string problem = printed.error;
  const std::int64_t now_us = steady_us();
  if (problem.empty()) {
    const std::int64_t now_unix_us = unix_now_us();
    if (auto password = read_printed_password(printed.output, now_unix_us, problem)) {
      result.good_until_us = good_until(*password, now_us, now_unix_us, question.lifetime_us);
      result.password = std::move(password->password);
      result.user = std::move(password->user);
    }
  }
  if (!problem.empty()) {
    result.error = "password_command failed: " + problem + " " + place_of(question);
    result.good_until_us = now_us + failure_life_us;
  }
  const std::string complaints = harmless_complaints(printed.complaints, printed.output);
  if (!problem.empty()) log_line(LogLevel::warning, result.error);
  if (!complaints.empty()) log_line(LogLevel::warning, "password_command " + place_of(question) + " says: " + complaints);
  protocol::cleanse(printed.output);
  protocol::cleanse(printed.complaints);
  finish(key, std::move(result));
}

/// What has no life left is good for those who wait.
void PasswordCommands::finish(const Key& key, Entry result) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  result.waiting = std::move(entry.waiting);
  result.good_until_us = std::max<std::int64_t>(result.good_until_us, 1);
  entry = std::move(result);
  for (auto& [io, wait] : std::exchange(entry.waiting, {})) post_to(*io, [wait = std::move(wait)] { wait->alarm.wake(); });
}

void PasswordCommands::forget(const PasswordQuestion& question, const protocol::SecretText& refused) {
  std::string unused;
  const std::optional<CommandWords> words = split_command(question.command, unused);
  std::optional<CommandWords> key = words ? fill_in(*words, question.subject, unused) : std::nullopt;
  if (!key) return;
  key->push_back(question.subject.user);
  key->push_back(question.subject.database);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(*key);
  if (found != entries_.end() && protocol::equal_secrets(found->second.password.text(), refused.text())) found->second.good_until_us = 0;
}

void PasswordCommands::sweep(std::int64_t now_us) {
  std::erase_if(entries_, [now_us](const auto& entry) { return !entry.second.running && entry.second.good_until_us <= now_us; });
}

}  // namespace pgswitch
