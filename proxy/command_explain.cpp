#include "proxy/command_explain.hpp"

#include "proxy/command_check.hpp"
#include "proxy/config_rules.hpp"
#include "proxy/parser_stack.hpp"

namespace pgswitch {
namespace {

int explain(const ExplainRequest& request, std::ostream& out, std::ostream& err) {
  const ConfigPtr config = load_for_command(request.ini_path, err);
  if (!config) return 1;
  const auto facts = session_facts(*config, request.user, request.database);
  if (!facts) return err << "no such database: " << request.database << '\n', 1;
  std::string error;
  const auto engine = rules::Engine::create(command_engine_options(*config, err), 1, error);
  if (!engine) return err << error << '\n', 1;
  const rules::Account account = engine->account(request.sql, *facts);
  out << (request.json ? to_json(account) : to_text(account));
  return 0;
}

}  // namespace

int command_explain(const ExplainRequest& request, std::ostream& out, std::ostream& err) {
  return on_parser_stack([&] { return explain(request, out, err); });
}

}  // namespace pgswitch
