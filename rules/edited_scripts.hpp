#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "rules/decision.hpp"
#include "rules/rewrite.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// Scripts for texts that have the shape of a known one, and its edits: they differ in what is sent. Those that nobody holds any more are
/// made again in their place, so that a statement which is edited costs no allocation. Of one worker; keeps 32 texts.
class EditedScripts {
 public:
  /// `known`, whose decision has edits, as it is for `sql`: one statement, with the same tokens but for literals and blanks. The reference
  /// stays valid until the next call.
  const ScriptPtr& make(std::string_view sql, const ScriptPtr& known);

 private:
  struct Made {
    ScriptPtr known;
    std::shared_ptr<Decision> decision;
    std::shared_ptr<Script> script;
    ScriptPtr given;  ///< the same script
    bool is_held() const { return given.use_count() > 2 || decision.use_count() > 2; }
  };
  std::array<Made, 32> made_;
  std::size_t next_ = 0;
  std::vector<Token> tokens_;
  std::vector<Edit> placed_;
};

}  // namespace pgswitch::rules
