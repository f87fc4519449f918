// Texts of clients that pgswitch reads itself: COPY, cursors, values of settings, the console.
#include <algorithm>
#include <string>
#include <string_view>

#include "proxy/admin/command.hpp"
#include "proxy/copy/copy_statement.hpp"
#include "proxy/copy/load_statement.hpp"
#include "proxy/redshift/cursor_text.hpp"
#include "proxy/redshift/setting_values.hpp"
#include "rules/analyze.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace {

using namespace pgswitch;
using fuzz::require;

/// One statement, which PostgreSQL's grammar accepts.
bool is_statement(const std::string& text, bool conforming) {
  rules::AnalyzeOptions options;
  options.standard_conforming_strings = conforming;
  const rules::AnalyzedScript script = rules::analyze(text, options);
  return script.statements.size() == 1 && script.statements[0].statement->parsed;
}

bool same_options(const copy::CopyOptions& a, const copy::CopyOptions& b) {
  return a.format == b.format && a.delimiter == b.delimiter && a.null == b.null && a.quote == b.quote && a.escape == b.escape;
}

/// What is made of a COPY is SQL too.
void read_copy(const std::string& text, bool conforming) {
  if (!copy::is_client_copy(text, conforming)) return;
  protocol::SqlError error;
  const auto read = copy::parse_copy(text, conforming, error);
  if (!is_statement(text, conforming)) return;
  require(read || (!error.message.empty() && error.sqlstate.size() == 5));
  if (!read) return;
  require(read->options.delimiter != read->options.quote || read->options.format == copy::Format::text);
  require(read->query_position <= text.size());
  copy::Source source;
  source.url = "s3://bucket/key";
  source.iam_role = "default";
  const std::string load = copy::load_statement(*read, source, "Null7Zq");
  require(copy::without_secrets(load, source) == load);
  if (!read->target.empty()) require(is_statement(copy::columns_query(*read), conforming));
  if (!read->from) require(is_statement(copy::rows_query(*read), conforming));
  if (const auto again = copy::parse_copy(text + " ", conforming, error)) require(same_options(again->options, read->options));
}

void read_cursor(const std::string& text, bool conforming) {
  const auto declaration = redshift::read_declaration(text, conforming);
  require(!declaration || declaration->query <= text.size());
  // The query of a DECLARE is a statement.
  if (declaration && is_statement(text, conforming)) require(is_statement(text.substr(declaration->query), conforming));
  redshift::read_fetch(text, conforming);
  redshift::uses_current_of(text, conforming);
}

void read_setting(std::string_view text) {
  const std::string name(text.substr(0, text.find('='))), value(text.substr(std::min(text.size(), name.size() + 1)));
  const auto error = redshift::check_setting(name, value);
  require(!error || (error->sqlstate.size() == 5 && !error->message.empty()));
}

void read_console(std::string_view text) {
  const char* end = text.data();
  for (const std::string_view statement : admin::split_statements(text)) {
    require(statement.data() >= end && statement.data() + statement.size() <= text.data() + text.size() && !statement.empty());
    end = statement.data() + statement.size();
    const admin::Command command = admin::parse_command(statement);
    require(command.verb == admin::lower(command.verb) && command.equals <= command.words.size());
  }
}

}  // namespace

/// The first byte chooses standard_conforming_strings.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const bool conforming = (input.byte() & 1) == 0;
  const std::string text(input.rest());
  read_copy(text, conforming);
  read_cursor(text, conforming);
  read_setting(text);
  read_console(text);
  return 0;
}
