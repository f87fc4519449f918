// The console's commands in the simple and in the extended protocol (manual, 55.2.2 and 55.2.3).
#include <utility>

#include "protocol/frontend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/admin/console.hpp"

namespace pgswitch::admin {
namespace {

namespace frontend = protocol::frontend;
namespace sqlstate = protocol::sqlstate;

/// Prepared statements and portals that one console may keep, each.
constexpr std::size_t most_names = 1000;

/// Messages without a body.
constexpr char parse_complete = '1', bind_complete = '2', close_complete = '3', no_data = 'n', empty_query = 'I',
               portal_suspended = 's';

protocol::SqlError malformed() { return error_of(sqlstate::protocol_violation, "invalid message format"); }

/// What a Bind says after its two names. Parameters are not known to the console.
std::optional<protocol::SqlError> read_bind(std::string_view body, std::size_t names_size, Formats& formats) {
  protocol::BodyReader in(body.substr(names_size));
  in.bytes(std::size_t{in.int16()} * 2);
  if (const unsigned count = in.int16(); count != 0)
    return error_of(sqlstate::protocol_violation,
                    "bind message supplies " + std::to_string(count) + " parameters, but prepared statement requires 0");
  formats.resize(in.int16());
  for (std::uint16_t& format : formats) format = in.int16();
  return in.at_end() ? std::nullopt : std::optional(malformed());
}

}  // namespace

void Console::fail(const protocol::SqlError& error) {
  protocol::write_error(out_, error);
  skipping_ = true;
}

void Console::fail_query(const protocol::SqlError& error) {
  protocol::write_error(out_, error);
  protocol::write_ready_for_query(out_, 'I');
}

void Console::write_notices(const Reply& reply) {
  for (const protocol::SqlError& notice : reply.notices) protocol::write_notice(out_, notice);
}

boost::asio::awaitable<void> Console::on_query() {
  const auto query = frontend::read_query(body_);
  if (!query) co_return fail_query(malformed());
  const auto statements = split_statements(query->text);
  if (statements.empty()) protocol::write_empty(out_, empty_query);
  for (const std::string_view statement : statements) {
    Plan plan;
    const auto refused = make_plan(parse_command(statement), session_.console_rights(), plan);
    if (refused) co_return fail_query(*refused);
    Reply reply = co_await run_plan(*this, plan);
    if (reply.ends_console) {
      ended_ = true;
      co_return;
    }
    if (reply.error) co_return fail_query(*reply.error);
    write_notices(reply);
    if (!reply.fields.empty()) write_fields(out_, reply.fields, Formats());
    for (std::size_t i = 0; i < reply.rows.size(); ++i) {
      if (i >= reply.descriptors.size()) {
        write_row(out_, reply.fields, reply.rows[i], Formats());
        continue;
      }
      std::string frame;
      write_row(frame, reply.fields, reply.rows[i], Formats());
      const bool sent = co_await send_descriptor(std::move(frame), reply.descriptors[i]);
      ended_ |= !sent;
    }
    if (ended_) co_return;
    protocol::write_command_complete(out_, reply.tag);
  }
  protocol::write_ready_for_query(out_, 'I');
}

std::optional<protocol::SqlError> Console::read_statement(std::string_view text, Statement& statement) {
  const auto parts = split_statements(text);
  if (parts.size() > 1) return error_of(syntax_error, "cannot insert multiple commands into a prepared statement");
  statement.empty = parts.empty();
  return parts.empty() ? std::nullopt : make_plan(parse_command(parts[0]), session_.console_rights(), statement.plan);
}

void Console::on_parse() {
  const auto parse = frontend::read_parse(body_);
  if (!parse) return fail(malformed());
  if (!parse->statement.empty() && statements_.contains(parse->statement))
    return fail(error_of(sqlstate::duplicate_prepared_statement,
                         "prepared statement \"" + std::string(parse->statement) + "\" already exists"));
  if (statements_.size() >= most_names) return fail(error_of(sqlstate::program_limit_exceeded, "too many prepared statements"));
  Statement statement;
  if (const auto refused = read_statement(parse->text, statement)) return fail(*refused);
  statements_.insert_or_assign(std::string(parse->statement), std::move(statement));
  protocol::write_empty(out_, parse_complete);
}

const Console::Statement* Console::find_statement(std::string_view name) {
  const auto found = statements_.find(name);
  if (found != statements_.end()) return &found->second;
  fail(error_of(sqlstate::invalid_statement_name, name.empty() ? "unnamed prepared statement does not exist"
                                                              : "prepared statement \"" + std::string(name) + "\" does not exist"));
  return nullptr;
}

Console::Portal* Console::find_portal(std::string_view name) {
  const auto found = portals_.find(name);
  if (found != portals_.end()) return &found->second;
  fail(error_of(sqlstate::invalid_cursor_name, "portal \"" + std::string(name) + "\" does not exist"));
  return nullptr;
}

void Console::on_bind() {
  const auto names = frontend::read_bind_names(body_);
  if (!names || !frontend::is_valid_bind(body_)) return fail(malformed());
  const Statement* const statement = find_statement(names->statement);
  if (!statement) return;
  Portal portal;
  if (const auto refused = read_bind(body_, names->names_size, portal.formats)) return fail(*refused);
  portal.statement = *statement;
  const std::size_t columns = statement->empty ? 0 : statement->plan.fields().size();
  if (columns > 0 && !are_valid(portal.formats, columns))
    return fail(error_of(sqlstate::protocol_violation, "bind message has " + std::to_string(portal.formats.size()) +
                                                           " result formats that do not fit " + std::to_string(columns) + " columns"));
  if (portals_.size() >= most_names) return fail(error_of(sqlstate::program_limit_exceeded, "too many portals"));
  portals_.insert_or_assign(std::string(names->portal), std::move(portal));
  protocol::write_empty(out_, bind_complete);
}

void Console::on_describe() {
  const auto target = frontend::read_describe(body_);
  if (!target) return fail(malformed());
  const bool of_statement = target->target == 'S';
  const Portal* const portal = of_statement ? nullptr : find_portal(target->name);
  const Statement* const statement = of_statement ? find_statement(target->name) : portal ? &portal->statement : nullptr;
  if (!statement) return;
  if (of_statement) protocol::MessageWriter(out_, 't').int16(0);  // ParameterDescription
  const auto fields = statement->empty ? std::span<const Field>() : statement->plan.fields();
  if (fields.empty()) return protocol::write_empty(out_, no_data);
  write_fields(out_, fields, portal ? portal->formats : Formats());
}

boost::asio::awaitable<void> Console::on_execute() {
  const auto execute = frontend::read_execute(body_);
  if (!execute) co_return fail(malformed());
  Portal* const portal = find_portal(execute->portal);
  if (!portal) co_return;
  if (portal->statement.empty) co_return protocol::write_empty(out_, empty_query);
  if (!portal->reply) {
    Reply reply = co_await run_plan(*this, portal->statement.plan);
    portal->reply = std::move(reply);
    write_notices(*portal->reply);
  }
  if (portal->reply->ends_console) {
    ended_ = true;
    co_return;
  }
  if (portal->reply->error) co_return fail(*portal->reply->error);
  write_rows(*portal, execute->max_rows);
}

void Console::write_rows(Portal& portal, std::int32_t most) {
  const Reply& reply = *portal.reply;
  for (std::int32_t count = 0; portal.next_row < reply.rows.size(); ++count, ++portal.next_row) {
    if (most > 0 && count == most) return protocol::write_empty(out_, portal_suspended);
    write_row(out_, reply.fields, reply.rows[portal.next_row], portal.formats);
  }
  protocol::write_command_complete(out_, reply.tag);
}

void Console::on_close() {
  const auto target = frontend::read_close(body_);
  if (!target) return fail(malformed());
  if (target->target == 'S') {
    if (const auto found = statements_.find(target->name); found != statements_.end()) statements_.erase(found);
  } else if (const auto found = portals_.find(target->name); found != portals_.end()) {
    portals_.erase(found);
  }
  protocol::write_empty(out_, close_complete);
}

// No transaction outlives its Sync, so no portal does.
void Console::on_sync() {
  skipping_ = false;
  portals_.clear();
  protocol::write_ready_for_query(out_, 'I');
}

}  // namespace pgswitch::admin
