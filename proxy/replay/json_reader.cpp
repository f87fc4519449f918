// JSON logs (manual, 20.8.5): one object on each line.
#include <nlohmann/json.hpp>

#include "proxy/replay/readers.hpp"

namespace pgswitch::replay {
namespace {

using nlohmann::json;

constexpr std::size_t npos = std::string_view::npos;

class JsonLog final : public LogReader {
 public:
  std::size_t read(std::string_view bytes, bool last, const Sink& sink) override {
    std::size_t at = 0;
    while (at < bytes.size()) {
      std::size_t end = bytes.find('\n', at);
      if (end == npos && !last) break;
      end = std::min(end, bytes.size());
      take(bytes.substr(at, end - at), sink);
      at = std::min(end + 1, bytes.size());
    }
    return at;
  }

 private:
  static std::string_view text(const json& entry, const char* key) {
    const auto found = entry.find(key);
    return found != entry.end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>()) : std::string_view();
  }

  static void take(std::string_view line, const Sink& sink) {
    if (line.find("statement: ") == npos && line.find("execute ") == npos) return;
    const json entry = json::parse(line, nullptr, false);
    if (!entry.is_object() || text(entry, "error_severity") != "LOG") return;
    const auto found = statement_of(text(entry, "message"));
    if (!found) return;
    LoggedStatement statement{*found, text(entry, "user"), text(entry, "dbname"), text(entry, "application_name"), address_of(text(entry, "remote_host"))};
    statement.session = session_of(text(entry, "session_id"));
    sink(statement);
  }
};

}  // namespace

std::unique_ptr<LogReader> make_json_reader() { return std::make_unique<JsonLog>(); }

}  // namespace pgswitch::replay
