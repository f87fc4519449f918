#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/copy/copy_statement.hpp"
#include "proxy/copy/copy_text.hpp"

namespace pgswitch::copy {

/// Reads what stands behind STDIN or STDOUT, in the syntax in parentheses or the one before 9.0, into the options of a statement, and
/// checks it as PostgreSQL does (src/backend/commands/copy.c, ProcessCopyOptions).
class OptionList {
 public:
  explicit OptionList(CopyStatement& copy) : copy_(copy), options_(copy.options) {}

  void set_binary() { binary_ = true; }
  /// False: error() says why.
  bool read(CopyTokens& tokens);
  /// Fills in what depends on the format; false: error() says what is wrong.
  bool check();
  const protocol::SqlError& error() const { return error_; }

 private:
  bool read_modern(CopyTokens& tokens);
  bool read_old(CopyTokens& tokens);
  bool take_option(CopyTokens& tokens, std::string_view name);
  bool take_value(CopyTokens& tokens, std::string& value);
  bool take_format(CopyTokens& tokens);
  bool take_forced_quotes(CopyTokens& tokens, bool in_parentheses);
  bool take_header(CopyTokens& tokens);
  bool take_columns(CopyTokens& tokens, std::vector<std::string>& columns, bool in_parentheses);
  bool once(bool& seen);
  bool set_once(std::optional<std::string>& option, CopyTokens& tokens);
  bool fail(std::string_view sqlstate, std::string message, std::string hint = "");
  bool check_characters();
  bool check_forced();

  CopyStatement& copy_;
  CopyOptions& options_;
  protocol::SqlError error_;
  bool binary_ = false;
  bool format_seen_ = false, header_seen_ = false, freeze_seen_ = false;
  bool force_quote_seen_ = false, not_null_seen_ = false, force_null_seen_ = false;
  std::optional<std::string> delimiter_, null_, quote_, escape_, encoding_;
};

}  // namespace pgswitch::copy
