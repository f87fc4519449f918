#include "tests/redshift/session.hpp"

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "tests/redshift/refusals.hpp"

/// The loop, and simple queries.
namespace pgswitch::stand_in {
namespace frontend = protocol::frontend;
namespace wire = protocol::backend;

Session::Session(Channel client, const Options& options) : client_(std::move(client)), options_(options) {}

void Session::run() try {
  try {
    if (start()) serve();
  } catch (const Refused& refused) {
    fail(refused.error);
  }
} catch (const std::exception&) {
  // One of the two has gone; the other connection ends with this object.
}

void Session::serve() {
  while (!left_) {
    if (client_.buffered() == 0) client_.flush();
    if (wait_for(client_, backend_->channel()) == Readable::second) {
      // What PostgreSQL says unasked: a setting that was reloaded, or that the session ends.
      const protocol::Frame frame = backend_->channel().read_frame();
      relay(frame, nullptr);
      client_.flush();
      continue;
    }
    on_frame(client_.read_frame());
  }
}

void Session::on_frame(const protocol::Frame& frame) {
  switch (frame.type) {
    case frontend::terminate: left_ = true; return;
    case frontend::query:
      if (skipping_) return;
      if (const auto query = frontend::read_query(frame.body)) on_query(query->text);
      return;
    case frontend::sync: on_sync(); return;
    case frontend::flush: client_.flush(); return;
    case frontend::copy_data:
    case frontend::copy_done:
    case frontend::copy_fail: return;
    default: break;
  }
  if (skipping_) return;
  try {
    // Facts 1.6 "Strict state machine".
    if (portal_suspended_ && frame.type != frontend::execute && frame.type != frontend::close)
      throw text_error("XX000", std::string("Invalid protocol sequence '") + frame.type + "' while in PortalSuspended state.");
    switch (frame.type) {
      case frontend::parse: on_parse(frame); break;
      case frontend::bind: on_bind(frame); break;
      case frontend::describe: on_describe(frame); break;
      case frontend::execute: on_execute(frame); break;
      case frontend::close: on_close(frame); break;
      default: throw Lost("unknown message type");
    }
  } catch (TextError& error) {
    tell_error(std::move(error.error));
    break_transaction();
    skipping_ = true;
  }
  client_.flush_if_large();
}

void Session::on_query(std::string_view text) try {
  if (batch_in_transaction_) end_batch();  // a query ends it
  skipping_ = portal_suspended_ = false;
  // A batch without a Sync: drivers send BEGIN so.
  if (batch_in_transaction_) end_batch();
  std::vector<Statement> statements;
  implicit_block_ = false;
  try {
    check_size(text);
    statements = read_statements(text);
    for (const Statement& statement : statements)
      if (const auto error = refused_by_parser(text, statement)) throw *error;
    if (statements.empty()) protocol::write_empty(client_.out(), wire::empty_query_response);
    // Several statements of one string are one transaction, as long as none of them says otherwise.
    for (const Statement& statement : statements) {
      const Prepared prepared = prepare(text, statement);
      if (statements.size() > 1 && backend_->status() == 'I' && prepared.translation.kind != Kind::begin) {
        backend_->query("BEGIN", [](const protocol::Frame&) {});
        implicit_block_ = true;
      }
      check(prepared, false);
      if (ends_implicit_block(prepared)) continue;
      const bool good = run_statement(prepared);
      if (!good && implicit_block_) backend_->query("ROLLBACK", [](const protocol::Frame&) {});
      if (!good) break;
      if (implicit_block_ && &statement == &statements.back())
        backend_->query("COMMIT", [&](const protocol::Frame& frame) {
          if (frame.type == 'E') relay(frame, nullptr);
        });
    }
  } catch (TextError& error) {
    tell_error(placed(std::move(error), text));
    if (implicit_block_)
      backend_->query("ROLLBACK", [](const protocol::Frame&) {});
    else
      break_transaction();
  }
  implicit_block_ = false;
  if (backend_->status() == 'I') cursor_.clear();
  protocol::write_ready_for_query(client_.out(), backend_->status());
  client_.flush();
} catch (const Refused& refused) {
  fail(refused.error);
  left_ = true;
}

/// True: BEGIN, COMMIT or ROLLBACK in a string whose statements had a transaction of their own up to here; it has been answered.
bool Session::ends_implicit_block(const Prepared& prepared) {
  if (!implicit_block_) return false;
  const Kind kind = prepared.translation.kind;
  if (kind == Kind::begin) {
    implicit_block_ = false;
    protocol::write_command_complete(client_.out(), "BEGIN");
    return true;
  }
  if (kind == Kind::commit || kind == Kind::rollback) implicit_block_ = false;
  return false;
}

bool Session::run_statement(const Prepared& prepared) {
  if (prepared.translation.kind == Kind::copy || prepared.translation.kind == Kind::unload) return run_load(prepared);
  const bool good = backend_->query(prepared.translation.sql, [&](const protocol::Frame& frame) { relay(frame, &prepared); });
  relay_parameters();
  if (good) after(prepared);
  return good;
}

}  // namespace pgswitch::stand_in
