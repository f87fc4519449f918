#include <vector>

#include "proxy/replay/log_reader.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch;
using namespace pgswitch::replay;

namespace {

/// Everything that a reader tells of a statement, in one text.
std::string told(const LoggedStatement& s) {
  std::string all;
  for (const std::string_view part : {s.text, s.user, s.database, s.application_name, s.client_address}) all.append(part).append("\x01");
  return all + std::to_string(s.session) + " " + std::to_string(s.count);
}

std::vector<std::string> read(LogFormat format, std::string_view log, std::size_t block) {
  std::vector<std::string> statements;
  const auto reader = make_reader(format);
  const auto sink = [&](const LoggedStatement& s) { statements.push_back(told(s)); };
  std::string window;
  for (std::size_t at = 0; at < log.size(); at += block) {
    window += log.substr(at, block);
    window.shrink_to_fit();
    const std::size_t used = reader->read(window, false, sink);
    fuzz::require(used <= window.size());
    window.erase(0, used);
  }
  fuzz::require(reader->read(window, true, sink) == window.size());
  return statements;
}

}  // namespace

/// The input as a log of the format that its first byte chooses: in blocks of any size it has the same statements.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t choice = input.byte();
  const std::size_t block = 1 + input.byte() % 64;
  const std::string_view log = input.rest();
  const LogFormat format = choice % 6 == 5 ? detect_format(log) : static_cast<LogFormat>(choice % 6);
  fuzz::require(read(format, log, log.size() + 1) == read(format, log, block));
  return 0;
}
