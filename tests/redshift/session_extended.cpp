#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "tests/redshift/refusals.hpp"
#include "tests/redshift/session.hpp"

/// The extended protocol (redshift facts 1.6 "Extended protocol"). Each message is a round trip of its own with the backend.
namespace pgswitch::stand_in {
namespace frontend = protocol::frontend;
namespace wire = protocol::backend;
namespace {

bool is_load(Kind kind) { return kind == Kind::copy || kind == Kind::unload; }

}  // namespace

char Session::hand_on(const protocol::Frame& frame, std::string_view answers) {
  protocol::MessageWriter(backend_->channel().out(), frame.type).bytes(frame.body);
  protocol::MessageWriter(backend_->channel().out(), frontend::flush);
  batch_in_transaction_ = true;
  const char type = backend_->read_until(answers, [&](const protocol::Frame& answer) { relay(answer, nullptr); });
  if (type == wire::error_response) skipping_ = true;
  return type;
}

void Session::on_parse(const protocol::Frame& frame) {
  const auto parse = frontend::read_parse(frame.body);
  if (!parse) throw text_error("08P01", frontend::fault(frame.type, frame.body));
  const std::string text(parse->text);
  Prepared prepared;
  try {
    check_size(text);
    const std::vector<Statement> statements = read_statements(text);
    if (statements.size() > 1) throw text_error("42601", "cannot insert multiple commands into a prepared statement");
    prepared.is_empty = statements.empty();
    if (!prepared.is_empty) {
      if (const auto error = refused_by_parser(text, statements[0])) throw *error;
      prepared = prepare(text, statements[0]);
      if (const auto error = refused(text, statements[0]); error && backend_->status() != 'E') throw *error;
    }
  } catch (TextError& error) {
    throw TextError{placed(std::move(error), text), 0};
  }
  const std::string_view sql = is_load(prepared.translation.kind) ? std::string_view() : prepared.translation.sql;
  protocol::write_parse(backend_->channel().out(), parse->statement, sql, parse->parameter_types);
  protocol::MessageWriter(backend_->channel().out(), frontend::flush);
  batch_in_transaction_ = true;
  const char type = backend_->read_until("1", [&](const protocol::Frame& answer) { relay(answer, &prepared); });
  if (type == wire::error_response)
    skipping_ = true;
  else
    statements_[std::string(parse->statement)] = std::move(prepared);
}

void Session::on_bind(const protocol::Frame& frame) {
  const auto names = frontend::read_bind_names(frame.body);
  if (!names) throw text_error("08P01", frontend::fault(frame.type, frame.body));
  protocol::BodyReader reader(frame.body.substr(names->names_size));
  for (std::uint16_t formats = reader.int16(); formats > 0; --formats) reader.int16();
  // Facts 1.5 "Bind parameters: at most 32767".
  if (const std::uint16_t count = reader.int16(); count > 32767)
    throw text_error("54000", "Too many bind parameters: " + std::to_string(count) + ". Maximum Allowed: 32767");
  const std::string portal(names->portal);
  const auto found = statements_.find(names->statement);
  const Prepared prepared = found == statements_.end() ? Prepared{} : found->second;
  if (hand_on(frame, "2") == '2') portals_[portal] = {prepared, false};
}

void Session::on_describe(const protocol::Frame& frame) {
  const auto target = frontend::read_describe(frame.body);
  const Prepared* prepared = nullptr;
  if (target && target->target == 'S') {
    if (const auto found = statements_.find(target->name); found != statements_.end()) prepared = &found->second;
  } else if (target) {
    if (const auto found = portals_.find(target->name); found != portals_.end()) prepared = &found->second.prepared;
  }
  protocol::MessageWriter(backend_->channel().out(), frame.type).bytes(frame.body);
  protocol::MessageWriter(backend_->channel().out(), frontend::flush);
  batch_in_transaction_ = true;
  if (backend_->read_until("Tn", [&](const protocol::Frame& answer) { relay(answer, prepared); }) == wire::error_response) skipping_ = true;
}

void Session::on_execute(const protocol::Frame& frame) {
  const auto execute = frontend::read_execute(frame.body);
  if (!execute) throw text_error("08P01", frontend::fault(frame.type, frame.body));
  const auto found = portals_.find(execute->portal);
  // The name is told in lower case (facts 1.6 "Named portals are lost").
  if (found == portals_.end()) throw text_error("34000", "portal \"" + lower(execute->portal) + "\" does not exist");
  const Prepared prepared = found->second.prepared;
  const std::string portal(execute->portal);
  portal_suspended_ = false;
  if (!prepared.is_empty) check(prepared, true);
  if (is_load(prepared.translation.kind)) {
    end_batch();
    if (!run_load(prepared)) skipping_ = true;
    return;
  }
  if (prepared.translation.reads_catalog && portal.empty()) drop_named_portals();
  // Facts 1.6 "Execute's row limit is ignored for the unnamed portal".
  const std::int32_t rows = portal.empty() ? 0 : execute->max_rows;
  protocol::MessageWriter(backend_->channel().out(), frontend::execute).string(portal).int32(static_cast<std::uint32_t>(rows));
  protocol::MessageWriter(backend_->channel().out(), frontend::flush);
  batch_in_transaction_ = true;
  const char type = backend_->read_until("CIs", [&](const protocol::Frame& answer) { relay(answer, &prepared); });
  if (type == wire::error_response) skipping_ = true;
  portal_suspended_ = type == wire::portal_suspended;
  relay_parameters();
  if (type != wire::command_complete) return;
  if (prepared.translation.kind == Kind::truncate) end_batch();
  batch_began_ |= prepared.translation.kind == Kind::begin;
  after(prepared);
}

void Session::on_close(const protocol::Frame& frame) {
  if (const auto target = frontend::read_close(frame.body)) {
    if (target->target == 'S')
      statements_.erase(std::string(target->name));
    else
      portals_.erase(std::string(target->name));
  }
  portal_suspended_ = false;
  hand_on(frame, "3");
}

void Session::end_batch() {
  protocol::write_sync(backend_->channel().out());
  backend_->read_until("Z", [&](const protocol::Frame& answer) { relay(answer, nullptr); });
  batch_in_transaction_ = batch_began_ = false;
}

void Session::on_sync() {
  end_batch();
  skipping_ = portal_suspended_ = false;
  relay_parameters();
  if (backend_->status() == 'I') {
    cursor_.clear();
    portals_.clear();
  }
  protocol::write_ready_for_query(client_.out(), backend_->status());
  client_.flush();
}

/// Facts 1.6 "Named portals are lost on catalog (leader-node) queries".
void Session::drop_named_portals() {
  for (auto portal = portals_.begin(); portal != portals_.end();) {
    if (portal->first.empty()) {
      ++portal;
      continue;
    }
    protocol::write_close(backend_->channel().out(), 'P', portal->first);
    protocol::MessageWriter(backend_->channel().out(), frontend::flush);
    backend_->read_until("3", [](const protocol::Frame&) {});
    portal = portals_.erase(portal);
  }
}

}  // namespace pgswitch::stand_in
