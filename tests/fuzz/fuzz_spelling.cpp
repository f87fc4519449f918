#include <cstdint>
#include <optional>
#include <string>

#include "rules/redshift/spelling.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/rules/redshift/both_lexers.hpp"

using namespace pgswitch::rules;
using namespace pgswitch::rules::redshift;
using pgswitch::fuzz::require;

namespace {

/// With and without escapes and nesting the same pieces, the same values where backslashes escape.
void require_same(const std::vector<Piece>& meant, std::string_view text) {
  for (const bool nested : {true, false}) {
    require(redshift_pieces(text, {true, nested}) == meant);
    const std::vector<Piece> raw = redshift_pieces(text, {false, nested});
    require(raw.size() == meant.size());
    for (std::size_t i = 0; i < raw.size(); ++i) require(raw[i].kind == meant[i].kind);
  }
}

}  // namespace

/// What Redshift reads is what the client wrote, piece by piece: in a text as it came where needs_spelling() says so, else in what spell() writes.
/// What is spelled once is spelled for good, and positions lead back into the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  const bool conforming = (input.byte() & 1) == 0;
  const std::string text(input.rest());
  if (!needs_spelling(text)) require_same(postgres_pieces(text, conforming), text);

  SpellingFault fault;
  PositionMap positions;
  const std::optional<std::string> spelled = spell(text, conforming, fault, &positions);
  if (!spelled) {
    require(!fault.refusal.message.empty() && fault.refusal.sqlstate.size() == 5 && fault.at <= text.size());
    require(needs_spelling(text) || fault.refusal.sqlstate == "42601" || fault.refusal.sqlstate == "22021");
    return 0;
  }
  require_same(postgres_pieces(text, conforming), *spelled);
  if (!needs_spelling(text)) require(*spelled == text);
  std::uint32_t before = 0;
  for (std::uint32_t at = 1; at <= characters(*spelled) + 1; ++at) {
    const std::uint32_t original = positions.original(at);
    require(original >= before && original >= 1 && original <= characters(text) + 1);
    before = original;
  }
  return 0;
}
