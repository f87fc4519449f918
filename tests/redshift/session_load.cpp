#include "protocol/writer.hpp"
#include "tests/redshift/answers.hpp"
#include "tests/redshift/load.hpp"
#include "tests/redshift/refusals.hpp"
#include "tests/redshift/session.hpp"

/// COPY ... FROM 's3://...' and UNLOAD.
namespace pgswitch::stand_in {
namespace {

std::string words_of(const S3Error& error) {
  const std::string text = error.message.empty() ? error.code : error.message;
  return "S3ServiceException:" + text + ",Status " + std::to_string(error.status) + ",Error " + error.code + ",Rid 0,ExtRid 0,CanRetry 1";
}

}  // namespace

/// False: the client has been told of an error.
bool Session::run_load(const Prepared& prepared) {
  std::string failure;
  try {
    cancellation_->clear();
    const LoadCommand command = read_load_command(prepared.text, prepared.statement, options_);
    query_id_ = std::stoull(catalog().rows("SELECT nextval('redshift.query_ids')")[0][0].value_or("1"));
    backend_->rows("SELECT set_config('redshift.last_query_id', '" + std::to_string(query_id_) + "', false)");
    if (prepared.translation.kind == Kind::copy)
      load(command);
    else
      unload_query(command);
    return true;
  } catch (const Refused& refused) {
    tell_error(redshift_error(refused.error));
    return false;
  } catch (const LoadFailed& failed) {
    failure = failed.message;
  } catch (const S3Error& error) {
    failure = words_of(error);
  } catch (const Lost& lost) {
    failure = lost.what();
  }
  tell_error(sql_error("XX000", failure));
  break_transaction();
  return false;
}

/// Facts 3.2 "Outcome": the notice, and pg_last_copy_count().
void Session::load(const LoadCommand& command) {
  const LoadResult result = Load(command, options_, *backend_, catalog(), *cancellation_, user_, query_id_).run();
  backend_->rows("SELECT set_config('redshift.last_copy_count', '" + std::to_string(result.loaded) +
                 "', false), set_config('redshift.last_copy_id', '" + std::to_string(query_id_) + "', false)");
  const std::string table = "Load into table '" + command.table_name + "' completed, ";
  if (result.refused > 0)
    notice(protocol::Severity::warning,
           table + std::to_string(result.refused) + " record(s) could not be loaded.  Check 'stl_load_errors' system table for details.");
  notice(protocol::Severity::info, table + std::to_string(result.loaded) + " record(s) loaded successfully.");
  protocol::write_command_complete(client_.out(), "COPY");
}

void Session::unload_query(const LoadCommand& command) {
  const std::vector<Statement> statements = read_statements(command.query);
  if (statements.size() != 1) throw text_error("42601", "UNLOAD takes one query");
  if (const auto error = refused_by_parser(command.query, statements[0])) throw *error;
  const Prepared prepared = prepare(command.query, statements[0]);
  check(prepared, false);
  const std::uint64_t rows = unload(command, options_, *backend_, prepared.translation.sql);
  backend_->rows("SELECT set_config('redshift.last_unload_count', '" + std::to_string(rows) + "', false)");
  notice(protocol::Severity::info, "UNLOAD completed, " + std::to_string(rows) + " record(s) unloaded successfully.");
  protocol::write_command_complete(client_.out(), "UNLOAD");
}

}  // namespace pgswitch::stand_in
