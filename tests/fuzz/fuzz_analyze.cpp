#include <cstdint>
#include <string>
#include <string_view>

#include "rules/analyze.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::rules;
using pgswitch::fuzz::require;

/// Whatever the text, there are statements, their places are in order and inside the text, and what was not parsed is
/// never called read-only.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  AnalyzeOptions options;
  const std::uint8_t choice = input.byte();
  options.standard_conforming_strings = (choice & 1) == 0;
  if (choice & 2) options.parse_max_bytes = 16;
  if (choice & 4) options.max_tree_depth = 8;
  const std::string sql(input.rest());
  const AnalyzedScript script = analyze(sql, options);
  require(!script.statements.empty());
  std::size_t end = 0;
  for (const AnalyzedStatement& item : script.statements) {
    const Statement& s = *item.statement;
    require(item.begin >= end && item.begin + std::size_t{item.size} <= sql.size());
    end = item.begin + item.size;
    require(s.parsed || !s.read_only);
    require(s.kind != Kind::unparsed || (!s.parsed && s.literal_sensitive));
    require(s.kind != Kind::empty || script.statements.size() == 1);
    require(s.words.size() <= 256);
    if (s.read_only) require(s.writes.empty() || s.kind == Kind::explain);
  }
  return 0;
}
