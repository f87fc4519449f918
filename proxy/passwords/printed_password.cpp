#include "proxy/passwords/printed_password.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "proxy/config_values.hpp"

namespace pgswitch {
namespace {

using nlohmann::json;

constexpr std::int64_t second_us = 1'000'000;
/// Numbers below are spans of time, those from it on are times: the year 2001.
constexpr std::int64_t first_time = 1'000'000'000;
constexpr std::int64_t longest_span = 10LL * 365 * 86'400;

constexpr std::array<std::string_view, 5> password_names{"password", "dbpassword", "token", "accesstoken", "authtoken"};
constexpr std::array<std::string_view, 3> user_names{"user", "username", "dbuser"};
constexpr std::array<std::string_view, 5> expiry_names{"expiration", "expirationtimestamp", "expireson", "expiresat", "expiry"};
constexpr std::array<std::string_view, 3> span_names{"expiresin", "leaseduration", "ttl"};
constexpr std::array<std::string_view, 3> inner_names{"status", "data", "credentials"};

/// "Db_Password" is "dbpassword".
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (c != '_' && c != '-') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return plain;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// Exactly `digits` of them, off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + digits, value);
  if (failure != std::errc{} || end != text.data() + digits || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

/// Two numbers with a colon, or without one, between them.
std::optional<std::int64_t> take_zone(std::string_view& text) {
  if (take(text, "Zz")) return 0;
  const bool west = text.starts_with('-');
  if (!take(text, "+-")) return std::nullopt;
  const std::optional<int> hours = take_number(text, 2);
  take(text, ":");
  const std::optional<int> minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t offset = *hours * 3600 + *minutes * 60;
  return west ? -offset : offset;
}

/// Reads one object and those inside it that are known.
class PrintedObject {
 public:
  explicit PrintedObject(std::int64_t now_unix_us) : now_(now_unix_us) {}

  void read(const json& object, bool inner = false) {
    for (const auto& [key, value] : object.items()) {
      const std::string name = plain_name(key);
      const auto is_one_of = [&](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
      if (value.is_object() && !inner && is_one_of(inner_names)) read(value, true);
      if (is_one_of(expiry_names)) read_expiry(value);
      if (is_one_of(span_names)) read_span(value);
      if (!value.is_string()) continue;
      const auto& text = value.get_ref<const std::string&>();
      if (is_one_of(password_names)) result.password = protocol::SecretText(text);
      if (is_one_of(user_names)) result.user = text;
      if (name == "secretstring" && !inner) read_secret_string(text);
    }
  }
  /// There is an end of its life, and none of those that are given can be read.
  bool has_unread_expiry() const { return unread_expiry_ && !result.expires_unix_us; }

  PrintedPassword result;

 private:
  void read_secret_string(const std::string& text) {
    const json inside = json::parse(text, nullptr, false);
    if (inside.is_object()) read(inside, true);
    else result.password = protocol::SecretText(text);
  }

  void read_expiry(const json& value) {
    std::optional<std::int64_t> number;
    if (value.is_number()) number = value.get<std::int64_t>();
    if (value.is_string()) number = number_of(value.get_ref<const std::string&>());
    std::optional<std::int64_t> when;
    if (number && *number >= first_time && *number < first_time * 100) when = *number * second_us;
    else if (number && *number < first_time) return read_span(*number);
    else if (value.is_string()) when = parse_time(value.get_ref<const std::string&>());
    note(when);
  }

  // Vault says 0 of secrets that do not expire.
  void read_span(const json& value) {
    if (!value.is_number()) return note(std::nullopt);
    const auto span = value.get<std::int64_t>();
    if (span > 0) note(now_ + std::min(span, longest_span) * second_us);
  }

  void note(std::optional<std::int64_t> when) {
    if (!when) unread_expiry_ = true;
    else if (!result.expires_unix_us || *when < *result.expires_unix_us) result.expires_unix_us = when;
  }

  std::int64_t now_;
  bool unread_expiry_ = false;
};

bool is_password(std::string_view text) { return !text.empty() && text.find('\0') == text.npos; }

std::optional<PrintedPassword> read_object(std::string_view text, std::int64_t now_unix_us, std::string& error) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return error = "what it printed begins like JSON and is none", std::nullopt;
  PrintedObject printed(now_unix_us);
  printed.read(object);
  if (!is_password(printed.result.password.text())) return error = "there is no password in the JSON that it printed", std::nullopt;
  if (printed.result.user.find('\0') != std::string::npos) return error = "the user in the JSON that it printed has a zero byte", std::nullopt;
  if (printed.has_unread_expiry()) return error = "the expiry in the JSON that it printed is neither RFC 3339 nor a number of seconds", std::nullopt;
  return std::move(printed.result);
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  const std::optional<int> year = take_number(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const std::optional<int> month = take_number(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const std::optional<int> day = take_number(text, 2);
  if (!day || !take(text, "Tt ")) return std::nullopt;
  const std::optional<int> hour = take_number(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const std::optional<int> minute = take_number(text, 2);
  if (!minute || !take(text, ":")) return std::nullopt;
  const std::optional<int> second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  if (take(text, ".,"))
    while (take(text, "0123456789")) {}
  take(text, " ");
  const std::optional<std::int64_t> zone = take_zone(text);
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!zone || !text.empty() || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (days * 86'400 + *hour * 3600 + *minute * 60 + *second - *zone) * second_us;
}

std::optional<PrintedPassword> read_printed_password(std::string_view output, std::int64_t now_unix_us, std::string& error) {
  const std::string_view trimmed = trim(output);
  if (trimmed.starts_with('{')) return read_object(trimmed, now_unix_us, error);
  while (output.ends_with('\n') || output.ends_with('\r')) output.remove_suffix(1);
  if (!is_password(output)) return error = "it printed no password", std::nullopt;
  if (output.find('\n') != output.npos) return error = "it printed more than one line", std::nullopt;
  PrintedPassword printed;
  printed.password = protocol::SecretText(output);
  return printed;
}

}  // namespace pgswitch
