#include "tests/redshift/backend.hpp"

#include "protocol/backend.hpp"
#include "protocol/crypto.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "tests/redshift/hex.hpp"
#include "tests/redshift/setup_sql.hpp"

namespace pgswitch::stand_in {
namespace wire = protocol::backend;

Backend::Backend(const Options& options, const std::string& database, std::vector<std::pair<std::string, std::string>> settings)
    : channel_(Channel::connect(options.backend_host, options.backend_port)) {
  start(options, database, settings);
  set_up();
}

void Backend::start(const Options& options, const std::string& database, const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<std::pair<std::string, std::string>> parameters = {{"user", options.backend_user}, {"database", database}};
  parameters.insert(parameters.end(), settings.begin(), settings.end());
  protocol::write_startup(channel_.out(), 3 << 16, parameters);
  const char end = read_until("Z", [&](const protocol::Frame& frame) {
    if (frame.type == wire::error_response) throw Refused{wire::read_error(frame.body)};
    if (frame.type == 'R' && frame.body != std::string_view("\0\0\0\0", 4))
      throw Lost("the PostgreSQL behind wants a password of its superuser");
    if (frame.type == wire::backend_key_data) {
      const auto key = wire::read_backend_key_data(frame.body);
      process_id_ = key->process_id;
      secret_ = key->secret;
    }
  });
  if (end != 'Z') throw Lost("login to the PostgreSQL behind");
}

/// The comment of the schema that stays empty tells which set-up was made.
void Backend::set_up() {
  static const std::string mark = to_hex(protocol::view(protocol::sha256(setup_sql())));
  const std::string done =
      "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'redshift_absent' AND pg_catalog.obj_description(oid, 'pg_namespace') = '" +
      mark + "'";
  if (!rows(done).empty()) return;
  rows("BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(8002)");
  if (rows(done).empty()) {
    rows("SET LOCAL client_min_messages = warning; DROP SCHEMA IF EXISTS redshift, redshift_absent CASCADE");
    rows(setup_sql());
    rows("COMMENT ON SCHEMA redshift_absent IS '" + mark + "'");
  }
  rows("COMMIT");
}

char Backend::read_until(std::string_view types, const OnFrame& on_frame) {
  channel_.flush();
  for (;;) {
    const protocol::Frame frame = channel_.read_frame();
    if (frame.type == wire::ready_for_query) status_ = wire::read_ready_for_query(frame.body).value_or('I');
    if (frame.type == wire::parameter_status) {
      const auto parameter = wire::read_parameter_status(frame.body);
      parameters_.emplace_back(parameter->name, parameter->value);
      continue;
    }
    const char type = frame.type;
    on_frame(frame);
    if (types.find(type) != std::string_view::npos || (type == wire::error_response && types != "Z")) return type;
  }
}

bool Backend::query(std::string_view sql, const OnFrame& on_frame) {
  protocol::write_query(channel_.out(), sql);
  bool good = true;
  read_until("Z", [&](const protocol::Frame& frame) {
    if (frame.type == wire::error_response) good = false;
    if (frame.type == wire::copy_in_response) {
      protocol::write_copy_fail(channel_.out(), "not from here");
      channel_.flush();
    } else if (frame.type != wire::ready_for_query) {
      on_frame(frame);
    }
  });
  return good;
}

std::vector<Row> Backend::rows(std::string_view sql) {
  std::vector<Row> result;
  std::optional<protocol::SqlError> error;
  query(sql, [&](const protocol::Frame& frame) {
    if (frame.type == wire::data_row) result.push_back(read_row(frame.body));
    if (frame.type == wire::error_response) error = wire::read_error(frame.body);
  });
  if (error) throw Refused{*error};
  return result;
}

void Backend::copy_in(std::string_view sql, const std::function<void(const std::function<void(std::string_view)>&)>& produce) {
  std::optional<protocol::SqlError> error;
  const OnFrame keep_error = [&](const protocol::Frame& frame) {
    if (frame.type == wire::error_response) error = wire::read_error(frame.body);
  };
  protocol::write_query(channel_.out(), sql);
  if (read_until("GZ", keep_error) == wire::copy_in_response) {
    try {
      produce([&](std::string_view data) {
        protocol::MessageWriter(channel_.out(), 'd').bytes(data);
        channel_.flush_if_large();
      });
      protocol::write_empty(channel_.out(), 'c');
    } catch (...) {
      protocol::write_copy_fail(channel_.out(), "the load failed");
      read_until("Z", keep_error);
      throw;
    }
    read_until("Z", keep_error);
  } else if (error) {
    read_until("Z", keep_error);
  }
  if (error) throw Refused{*error};
}

Row read_row(protocol::ByteView body) {
  protocol::BodyReader reader(body);
  Row row(reader.int16());
  for (auto& value : row) {
    const auto size = static_cast<std::int32_t>(reader.int32());
    if (size >= 0) value = std::string(reader.bytes(static_cast<std::size_t>(size)));
  }
  return row;
}

void pass_on_cancel(const Options& options, std::uint32_t process_id, std::string_view secret) {
  Channel channel = Channel::connect(options.backend_host, options.backend_port);
  protocol::write_cancel_request(channel.out(), process_id, secret);
  channel.flush();
  channel.take_some(1);  // PostgreSQL closes when the signal is sent
}

}  // namespace pgswitch::stand_in
