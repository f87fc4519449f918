#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/decision.hpp"
#include "rules/rewrite.hpp"

namespace pgswitch::rules::redshift {

/// What a statement is translated to.
enum class Translate : std::uint8_t {
  off,
  automatic,   ///< what has an exact equivalent; all else is refused
  drop_locks,  ///< and FOR UPDATE and FOR SHARE are left out, although nothing is locked then
};

/// A statement of PostgreSQL for Redshift.
struct Translation {
  Refusal refusal;               ///< 0A000; without a message: there is none
  std::uint32_t at = 0;          ///< byte of the text that it is about
  std::string text;              ///< the whole text, "" when nothing is to be changed
  /// The changes, good for every text of the shape; empty when literals took part in them, and they are for this text alone.
  std::vector<TokenEdit> edits;
  PositionMap positions;         ///< of `text` in the text as it came
  bool beyond_postgres = false;  ///< `text` has words that PostgreSQL's grammar lacks; it is the same command in all else
  bool refused() const { return !refusal.message.empty(); }
};

/// Translates the one statement in `text` through its parse tree: what is Redshift's already, and what PostgreSQL's grammar refuses, stays as it
/// is. rules/redshift/README.md has the table of what becomes of what. Parses the text: see analyze() for the stack it takes.
Translation translate(std::string_view text, bool standard_conforming_strings, Translate how = Translate::automatic);

}  // namespace pgswitch::rules::redshift
