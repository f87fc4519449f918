#include "proxy/config_table.hpp"

#include <type_traits>

#include "proxy/config_values.hpp"

namespace pgswitch {
namespace {

template <class T>
constexpr bool is_number = std::is_same_v<T, int> || std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::size_t>;

template <class T>
std::string describe(const Setting& setting) {
  const std::string bounds = std::to_string(setting.min) + ".." + std::to_string(setting.max);
  if constexpr (std::is_same_v<T, std::size_t>) return "bytes (kB, MB, GB allowed) " + bounds;
  else if constexpr (is_number<T>) return "integer " + bounds;
  else if constexpr (std::is_same_v<T, bool>) return "0 or 1";
  else if constexpr (std::is_same_v<T, Microseconds>) return "seconds";
  else if constexpr (std::is_same_v<T, std::string>) return setting.path == PathBase::none ? "text" : "file name";
  else if constexpr (std::is_same_v<T, CommaList>) return "list";
  else return list_names<T>();
}

template <class T>
std::optional<T> parse_number(const Setting& setting, std::string_view text) {
  std::optional<std::int64_t> value;
  if constexpr (std::is_same_v<T, std::size_t>) {
    if (const auto bytes = parse_bytes(text)) value = static_cast<std::int64_t>(*bytes);
  } else {
    value = parse_integer(text);
  }
  if (!value || *value < setting.min || *value > setting.max) return std::nullopt;
  return static_cast<T>(*value);
}

template <class T>
std::optional<T> parse(const Setting& setting, std::string_view text) {
  if constexpr (is_number<T>) return parse_number<T>(setting, text);
  else if constexpr (std::is_same_v<T, bool>) return parse_bool(text);
  else if constexpr (std::is_same_v<T, Microseconds>) return parse_seconds(text);
  else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, CommaList>) return T(std::string(text));
  else return parse_enum<T>(text);
}

template <class T>
std::string print(const T& value) {
  if constexpr (is_number<T>) return std::to_string(value);
  else if constexpr (std::is_same_v<T, bool>) return value ? "1" : "0";
  else if constexpr (std::is_same_v<T, Microseconds>) return format_seconds(value);
  else if constexpr (std::is_same_v<T, std::string>) return value;
  else if constexpr (std::is_same_v<T, CommaList>) return value.text;
  else return std::string(to_string(value));
}

template <class M>
using MemberType = std::remove_cvref_t<decltype(std::declval<Config&>().*std::declval<M>())>;

}  // namespace

std::optional<std::string> assign(const Setting& setting, std::string_view text, Config& config) {
  return std::visit(
      [&](auto member) -> std::optional<std::string> {
        auto value = parse<MemberType<decltype(member)>>(setting, text);
        if (!value)
          return "invalid value \"" + std::string(text) + "\" for " + std::string(setting.key) + ": expected " + type_of(setting);
        config.*member = std::move(*value);
        return std::nullopt;
      },
      setting.member);
}

void copy_setting(const Setting& setting, const Config& from, Config& to) {
  std::visit([&](auto member) { to.*member = from.*member; }, setting.member);
}

bool same_value(const Setting& setting, const Config& a, const Config& b) {
  return std::visit([&](auto member) { return a.*member == b.*member; }, setting.member);
}

std::optional<std::string> text_of(const Setting& setting, const Config& config) {
  std::string text = std::visit([&](auto member) { return print(config.*member); }, setting.member);
  const bool can_be_null = std::holds_alternative<std::string Config::*>(setting.member) && !setting.default_text;
  if (can_be_null && text.empty()) return std::nullopt;
  return text;
}

std::string type_of(const Setting& setting) {
  return std::visit([&](auto member) { return describe<MemberType<decltype(member)>>(setting); }, setting.member);
}

namespace {

std::string_view remark(SettingEffect effect) { return effect == SettingEffect::foreign ? " *(accepted; has no meaning here)*" : ""; }

}  // namespace

std::string settings_markdown() {
  std::string table = "| setting | type | default | reload | meaning |\n|--|--|--|--|--|\n";
  for (const Setting& setting : settings()) {
    const std::string default_text = setting.default_text ? setting.default_text : "";
    table += "| `" + std::string(setting.key) + "` | " + type_of(setting) + " | " +
             (default_text.empty() ? "" : "`" + default_text + "`") + " | " + (setting.reload == Reload::yes ? "yes" : "no") +
             " | " + std::string(setting.help) + std::string(remark(setting.effect)) +
             " |\n";
  }
  return table;
}

namespace {

/// Text of a manual page: no character means anything but itself.
std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') escaped += "\\e";
    else if (c == '-') escaped += "\\-";
    else if (c == '\'' && escaped.empty()) escaped += "\\(aq";
    else if (c == '.' && escaped.empty()) escaped += "\\&.";
    else escaped += c;
  }
  return escaped;
}

}  // namespace

std::string settings_manual() {
  std::string page;
  for (const Setting& setting : settings()) {
    const std::string default_text = setting.default_text ? setting.default_text : "";
    page += ".TP\n.B " + roff(setting.key) + "\n" + roff(setting.help);
    if (setting.effect == SettingEffect::foreign) page += " (Accepted; has no meaning here.)";
    page += "\n.br\n(" + roff(type_of(setting)) + "; default " + (default_text.empty() ? "empty" : roff(default_text)) +
            (setting.reload == Reload::yes ? "" : "; restart") + ")\n";
  }
  return page;
}

std::vector<ConfigRow> show_config(const Config& config) {
  std::vector<ConfigRow> rows;
  for (const Setting& setting : settings()) {
    ConfigRow row{std::string(setting.key), text_of(setting, config), std::nullopt, setting.reload == Reload::yes};
    if (setting.default_text) row.default_value = setting.default_text;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> keep_fixed_settings(const Config& running, Config& next) {
  std::vector<std::string> names;
  for (const Setting& setting : settings()) {
    if (setting.reload == Reload::yes || same_value(setting, running, next)) continue;
    names.emplace_back(setting.key);
    copy_setting(setting, running, next);
  }
  return names;
}

}  // namespace pgswitch
