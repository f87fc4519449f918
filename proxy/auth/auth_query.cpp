#include "proxy/auth/auth_query.hpp"

#include "protocol/backend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/log.hpp"
#include "proxy/server_query.hpp"

namespace pgswitch {

namespace backend = protocol::backend;

namespace {

constexpr std::uint32_t null_value = 0xffffffffu;
constexpr std::size_t longest_name = 127;
constexpr std::size_t longest_secret = 65530;

}  // namespace

void write_auth_query(std::string& out, std::string_view query, std::string_view user) {
  protocol::write_parse(out, "", query, "");
  {
    protocol::MessageWriter bind(out, 'B');
    bind.string("").string("").int16(0).int16(1);
    bind.int32(static_cast<std::uint32_t>(user.size())).bytes(user).int16(0);
  }
  {
    protocol::MessageWriter describe(out, 'D');
    describe.byte('P').string("");
  }
  {
    protocol::MessageWriter execute(out, 'E');
    execute.string("").int32(0);
  }
  protocol::write_sync(out);
}

void AuthQueryAnswer::fail(std::string fault) {
  if (fault_.empty()) fault_ = std::move(fault);
}

void AuthQueryAnswer::expect_two_columns(std::uint16_t columns) {
  if (columns != 2) fail("expected 2 columns from auth_query, not " + std::to_string(columns));
}

bool AuthQueryAnswer::read_row(protocol::ByteView body) {
  protocol::BodyReader in(body);
  const std::uint16_t columns = in.int16();
  if (!in.ok()) return false;
  expect_two_columns(columns);
  if (columns != 2) return true;
  const std::uint32_t name_size = in.int32();
  const protocol::ByteView name = name_size == null_value ? protocol::ByteView() : in.bytes(name_size);
  const std::uint32_t secret_size = in.int32();
  const protocol::ByteView secret = secret_size == null_value ? protocol::ByteView() : in.bytes(secret_size);
  if (!in.at_end()) return false;
  // Of several rows pgbouncer takes the last, whoever that is.
  if (found_) fail("auth_query returned more than one row");
  if (name.empty()) fail("auth_query response contained null user name");
  const bool cut = name.find('\0') != name.npos || secret.find('\0') != secret.npos;
  if (cut || name.size() > longest_name || secret.size() > longest_secret) fail("unable to allocate new user for auth");
  found_ = FoundUser{std::string(name), std::string(secret)};
  return true;
}

AuthQueryAnswer::Step AuthQueryAnswer::on_frame(const protocol::Frame& frame) {
  switch (frame.type) {
    case backend::parse_complete:
    case backend::bind_complete:
    case backend::notice_response:
    case backend::notification_response: return Step::more;
    case backend::no_data: return expect_two_columns(0), Step::more;
    case backend::row_description: {
      protocol::BodyReader in(frame.body);
      expect_two_columns(in.int16());
      return in.ok() ? Step::more : Step::out_of_step;
    }
    case backend::data_row: return read_row(frame.body) ? Step::more : Step::out_of_step;
    case backend::command_complete:
    case backend::empty_query_response: return completed_ = true, Step::more;
    case backend::error_response:
      server_error_ = backend::read_error(frame.body);
      completed_ = true;
      fail("error response from auth_query");
      return Step::more;
    case backend::ready_for_query: {
      const auto status = backend::read_ready_for_query(frame.body);
      return completed_ && status == 'I' ? Step::done : Step::out_of_step;
    }
    default: return Step::out_of_step;
  }
}

boost::asio::awaitable<bool> run_auth_query(ServerConn& server, std::string_view query, std::string_view user,
                                            std::int64_t deadline_us, std::optional<FoundUser>& found, protocol::SqlError& error) {
  std::string out;
  write_auth_query(out, query, user);
  error = {};
  error.severity = protocol::Severity::fatal;
  error.sqlstate = protocol::sqlstate::connection_failure;
  error.message = "server conn crashed?";
  server.state.prepared.unnamed = {};  // our Parse replaces it
  if (!co_await write_all(server, out, deadline_us)) co_return false;
  AuthQueryAnswer answer;
  AuthQueryAnswer::Step step = AuthQueryAnswer::Step::more;
  protocol::Frame frame;
  while (step == AuthQueryAnswer::Step::more) {
    const bool received = co_await read_frame(server, frame, deadline_us);
    if (!received) break;
    const bool is_parameter = frame.type == backend::parameter_status;
    if (is_parameter && note_parameter(server, frame.body)) continue;
    step = is_parameter ? AuthQueryAnswer::Step::out_of_step : answer.on_frame(frame);
  }
  const protocol::SqlError& said = answer.server_error();
  if (!said.message.empty()) log_line(LogLevel::error, "auth_query failed: " + said.sqlstate + " " + said.message);
  if (step == AuthQueryAnswer::Step::out_of_step) error.message = "unexpected response from auth_query";
  if (step != AuthQueryAnswer::Step::done) {
    server.stream.close();
    co_return false;
  }
  server.in.consume(server.in.outstanding().size());
  if (!answer.fault().empty()) {
    log_line(LogLevel::error, "auth_query: " + answer.fault());
    error.sqlstate = protocol::sqlstate::config_file_error;
    error.message = "bouncer config error";
    co_return false;
  }
  found = std::move(answer.found());
  co_return true;
}

}  // namespace pgswitch
