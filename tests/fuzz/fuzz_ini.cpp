#include "proxy/config_entries.hpp"
#include "proxy/config_table.hpp"
#include "proxy/ini.hpp"
#include "proxy/userlist.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch;

namespace {

/// A value that was accepted is shown as text that is accepted again and means the same.
void assign_and_show(const Setting& setting, const std::string& text) {
  Config config, again;
  if (assign(setting, text, config)) return;
  const std::string shown = text_of(setting, config).value_or("");
  fuzz::require(!assign(setting, shown, again) && same_value(setting, config, again));
}

void read_entry(const IniEntry& entry) {
  if (const Setting* setting = find_setting(entry.key)) assign_and_show(*setting, entry.value);
  Database database;
  database.name = "*";  // names are interned for good: one is enough
  parse_database(entry.value, database);
  User user;
  parse_user(entry.value, user);
  Peer peer;
  parse_peer(entry.value, peer);
}

}  // namespace

/// The input as an ini file, as a userlist, and as the value of a setting that its first byte chooses.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // Includes would read files of the machine.
  if (text.find("%include") == std::string::npos)
    for (const IniEntry& entry : parse_ini(text, "fuzz.ini").entries) read_entry(entry);
  parse_userlist(text, "users.txt");
  if (size > 0) assign_and_show(settings()[data[0] % settings().size()], text.substr(1));
  return 0;
}
