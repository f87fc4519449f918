#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/config.hpp"

namespace pgswitch {

/// When a changed setting counts.
enum class Reload : bool { no, yes };
/// Whether a setting is acted on. Those of a platform or library that is not used here (foreign) are accepted, so that pgbouncer's
/// files load, and named in a warning when they are set to something else than the default.
enum class SettingEffect : std::uint8_t { foreign, full };
/// What a file name is relative to: nothing to resolve; the working directory and then the ini file's folder
/// (pgbouncer's settings); the ini file's folder (ours).
enum class PathBase : std::uint8_t { none, working_directory, ini_folder };

using SettingMember =
    std::variant<int Config::*, std::uint32_t Config::*, std::size_t Config::*, bool Config::*, Microseconds Config::*,
                 std::string Config::*, CommaList Config::*, AuthType Config::*, PoolMode Config::*, SslMode Config::*,
                 RouteConflict Config::*, rules::OnError Config::*, rules::RulesMode Config::*>;

/// One key of the [pgbouncer] section. The member's type chooses the parser: int, uint32 and size_t (bytes, units allowed)
/// are checked against the bounds, Microseconds are written in seconds, enums by name.
struct Setting {
  std::string_view key;
  SettingMember member;
  const char* default_text;  ///< as SHOW CONFIG prints it; nullptr is NULL
  Reload reload;
  std::string_view help;
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int32_t>::max();
  SettingEffect effect = SettingEffect::full;
  PathBase path = PathBase::none;
};

/// All settings in SHOW CONFIG order.
std::span<const Setting> settings();
/// nullptr for an unknown key. Keys are case-sensitive, as in pgbouncer.
const Setting* find_setting(std::string_view key);

/// Parses `text` into the member; on error `config` is unchanged and the message says what was expected.
std::optional<std::string> assign(const Setting& setting, std::string_view text, Config& config);
/// Gives the member the value it has in `from`.
void copy_setting(const Setting& setting, const Config& from, Config& to);
bool same_value(const Setting& setting, const Config& a, const Config& b);
/// The value as SHOW CONFIG prints it; nullopt is NULL.
std::optional<std::string> text_of(const Setting& setting, const Config& config);

/// "seconds", "session, transaction or statement", "integer 0..65535": for documentation and messages.
std::string type_of(const Setting& setting);
/// The documentation of all settings as a Markdown table, and as the paragraphs of a manual page (man(7)).
std::string settings_markdown();
std::string settings_manual();

}  // namespace pgswitch
