#include "protocol/backend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "tests/redshift/answers.hpp"
#include "tests/redshift/session.hpp"

/// What the backend says, on its way to the client.
namespace pgswitch::stand_in {
namespace wire = protocol::backend;

void Session::relay(const protocol::Frame& frame, const Prepared* prepared) {
  std::string& out = client_.out();
  switch (frame.type) {
    case wire::ready_for_query:
    case wire::backend_key_data:
    case wire::notification_response: return;
    case wire::parameter_status:
      if (const auto parameter = wire::read_parameter_status(frame.body))
        if (const auto told = redshift_parameter(std::string(parameter->name), std::string(parameter->value), client_set_encoding_))
          protocol::write_parameter_status(out, told->first, told->second);
      return;
    case wire::command_complete:
      protocol::write_command_complete(out, redshift_tag(wire::read_command_complete(frame.body).value_or("")));
      return;
    case wire::error_response:
    case wire::notice_response: {
      protocol::SqlError error = redshift_error(wire::read_error(frame.body));
      if (error.position > 0 && prepared) {
        // Positions count characters of the translated text.
        std::size_t place = 0;
        for (std::uint32_t left = error.position - 1; left > 0 && place < prepared->translation.sql.size(); --left) do
            ++place;
          while (place < prepared->translation.sql.size() && (static_cast<unsigned char>(prepared->translation.sql[place]) & 0xc0) == 0x80);
        error.position = position_of(prepared->text, place_before(prepared->translation, place));
      }
      if (frame.type == wire::error_response)
        protocol::write_error(out, error);
      else
        protocol::write_notice(out, error);
      return;
    }
    case wire::row_description: relay_columns(frame.body, prepared); return;
    case wire::data_row:
      if (prepared && !prepared->statement.tokens.empty() && prepared->statement.tokens[0].is("explain")) {
        Row row = read_row(frame.body);
        if (row.size() == 1 && row[0]) row[0] = explain_line(*row[0]);
        protocol::write_data_row(out, row);
        client_.flush_if_large();
        return;
      }
      [[fallthrough]];
    default: protocol::MessageWriter(out, frame.type).bytes(frame.body); client_.flush_if_large();
  }
}

/// Facts 1.3: each field with its schema, table, column and catalog, and flags. SHOW of a setting of Redshift's own has its name.
void Session::relay_columns(protocol::ByteView body, const Prepared* prepared) {
  const bool shows = prepared && !prepared->statement.tokens.empty() && prepared->statement.tokens[0].is("show");
  protocol::BodyReader reader(body);
  protocol::MessageWriter writer(client_.out(), wire::row_description);
  const std::uint16_t count = reader.int16();
  writer.int16(count);
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::string name(reader.string());
    const std::uint32_t table = reader.int32();
    const std::uint16_t column = reader.int16();
    const protocol::ByteView rest = reader.bytes(12);
    writer.string(shows ? without_own_schemas(name) : name).int32(table).int16(column).bytes(rest);
    if (protocol_version_ == 0) continue;
    const std::vector<std::string> origin = column_origin(table, column);
    for (int part = 0; part < 4; ++part) writer.string(origin[static_cast<std::size_t>(part)]);
    writer.int16(static_cast<std::uint16_t>((origin[4] == "t" ? 1 : 0) | 1 << 12));
  }
}

/// Schema, table, column, catalog and whether it is NOT NULL; empty for what is no column of a table that others can see.
std::vector<std::string> Session::column_origin(std::uint32_t table, std::uint16_t column) {
  if (table == 0) return {"", "", "", "", "f"};
  const std::uint64_t key = std::uint64_t{table} << 16 | column;
  if (const auto found = column_origins_.find(key); found != column_origins_.end()) return found->second;
  const auto rows = catalog().rows(
      "SELECT n.nspname, c.relname, a.attname, current_database(), a.attnotnull FROM pg_class c JOIN pg_namespace n ON n.oid = "
      "relnamespace "
      "JOIN pg_attribute a ON attrelid = c.oid WHERE c.oid = " +
      std::to_string(table) + " AND attnum = " + std::to_string(column));
  if (rows.empty()) return {"", "", "", "", "f"};
  std::vector<std::string> origin;
  for (const auto& value : rows[0]) origin.push_back(value.value_or(""));
  return column_origins_[key] = origin;
}

Backend& Session::catalog() {
  if (!catalog_) catalog_ = std::make_unique<Backend>(options_, database_);
  return *catalog_;
}

void Session::relay_parameters() {
  std::map<std::string, std::string> last;
  for (const auto& [name, value] : backend_->take_parameters()) last[name] = value;
  for (const auto& [name, value] : last)
    if (const auto told = redshift_parameter(name, value, client_set_encoding_))
      protocol::write_parameter_status(client_.out(), told->first, told->second);
}

void Session::tell_error(protocol::SqlError error) { protocol::write_error(client_.out(), error); }

void Session::notice(protocol::Severity severity, std::string message) {
  protocol::write_notice(client_.out(),
                         {.severity = severity, .sqlstate = "00000", .message = std::move(message), .detail = {}, .hint = {}});
}

void Session::break_transaction() {
  const OnFrame ignore = [](const protocol::Frame&) {};
  if (batch_in_transaction_) {
    protocol::write_parse(backend_->channel().out(), "", "refused", {});
    protocol::MessageWriter(backend_->channel().out(), 'H');
    backend_->read_until("1", ignore);
  } else if (backend_->status() == 'T') {
    backend_->query("refused", ignore);
  }
}

}  // namespace pgswitch::stand_in
