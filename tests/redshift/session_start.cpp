#include <algorithm>
#include <cstdlib>

#include "protocol/backend.hpp"
#include "protocol/startup.hpp"
#include "protocol/writer.hpp"
#include "tests/redshift/answers.hpp"
#include "tests/redshift/login.hpp"
#include "tests/redshift/names.hpp"
#include "tests/redshift/session.hpp"

namespace pgswitch::stand_in {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

protocol::SqlError fatal(std::string_view sqlstate, std::string message) {
  return sql_error(sqlstate, std::move(message), protocol::Severity::fatal);
}

std::string read_packet(Channel& client) {
  const std::string_view head = client.peek(4);
  std::uint32_t size = 0;
  for (const char c : head) size = size << 8 | static_cast<unsigned char>(c);
  if (size < 4 || size > protocol::max_startup_packet_size) throw Lost("invalid length of a start-up packet");
  return client.take(size);
}

/// Facts 1.1 and 1.6 "extra_float_digits = 3". Adds what the backend is told to `settings`.
void add_setting(const std::string& given_name, const std::string& value, Parameters& settings) {
  const std::string name = lower(given_name);
  if (is_driver_parameter(name)) return;
  if (name == "extra_float_digits" && std::atoi(value.c_str()) > 2)
    throw Refused{fatal("22023", value + " is outside the valid range for parameter \"extra_float_digits\" (-15 .. 2)")};
  if (is_own_setting(name)) {
    settings.emplace_back("redshift." + name, value);
  } else if (is_shared_setting(name)) {
    settings.emplace_back(name, value);
  } else {
    throw Refused{fatal("42704", "unrecognized configuration parameter \"" + name + "\"")};
  }
}

/// Puts the settings into `options`, where PostgreSQL takes any of them.
std::string as_options(const Parameters& settings) {
  std::string options;
  for (const auto& [name, value] : settings) {
    options += (options.empty() ? "-c " : " -c ") + name + "=";
    for (const char c : value) {
      if (c == ' ' || c == '\\' || c == '\t' || c == '\n') options += '\\';
      options += c;
    }
  }
  return options;
}

}  // namespace

/// False: there is nothing more to do with this connection.
bool Session::read_startup_packets(std::string& packet) {
  for (;;) {
    packet = read_packet(client_);
    switch (protocol::scan_startup(packet).kind) {
      case protocol::StartupKind::ssl_request:
        client_.out() += options_.tls.certificate.empty() ? 'N' : 'S';
        if (options_.tls.certificate.empty())
          client_.flush();
        else
          client_.accept_tls(options_.tls);
        break;
      case protocol::StartupKind::gss_request:
        client_.out() += 'N';
        client_.flush();
        break;
      case protocol::StartupKind::cancel_request:
        if (const auto request = protocol::read_cancel_request(packet)) {
          Cancellation::ask(request->process_id, request->secret);
          pass_on_cancel(options_, request->process_id, request->secret);
        }
        return false;
      case protocol::StartupKind::startup: return true;
      default: return false;
    }
  }
}

bool Session::start() {
  std::string packet;
  if (!read_startup_packets(packet)) return false;
  protocol::StartupMessage message;
  // A client of an identity provider may have no user (facts 1.1 "user").
  const auto error = protocol::read_startup(packet, message, 0);
  if (error && !(options_.auth == AuthMethod::idp && error->sqlstate == protocol::sqlstate::invalid_authorization)) throw Refused{*error};
  if (message.options_error) throw Refused{*message.options_error};
  if (options_.require_tls && !client_.is_tls())
    throw Refused{fatal("28000", "no pg_hba.conf entry for host \"127.0.0.1\", user \"" + message.user + "\", database \"" +
                                     message.database + "\", SSL off")};
  user_ = message.user;
  log_in(client_, options_, user_);

  Parameters parameters = message.parameters;
  parameters.insert(parameters.end(), message.option_settings.begin(), message.option_settings.end());
  begin_session(user_, message.database, parameters);
  return true;
}

void Session::begin_session(const std::string& user, const std::string& database, const Parameters& parameters) {
  Parameters settings;
  for (const auto& [name, value] : own_settings()) settings.emplace_back("redshift." + std::string(name), value);
  settings.emplace_back("extra_float_digits", "0");
  settings.emplace_back("default_transaction_isolation", options_.isolation);
  std::string encoding = "UTF8";
  for (const auto& [name, value] : parameters) {
    if (lower(name) == "client_protocol_version")
      protocol_version_ = std::min(options_.protocol_version, static_cast<unsigned>(std::atoi(value.c_str())));
    client_set_encoding_ |= lower(name) == "client_encoding";
    add_setting(name, value, settings);
  }
  database_ = database;
  translate_options_ = {user, options_.isolation, options_.knows_intervalstyle};
  backend_ = std::make_unique<Backend>(options_, database, Parameters{{"options", as_options(settings)}});
  cancellation_ = std::make_unique<Cancellation>(backend_->process_id(), backend_->secret());
  if (user != options_.backend_user) backend_->rows("SET SESSION AUTHORIZATION " + quote_identifier(user));

  relay_parameters();
  for (const auto& [name, value] : own_parameters()) protocol::write_parameter_status(client_.out(), name, value);
  protocol::write_parameter_status(client_.out(), "session_id",
                                   "00000000-0000-4000-8000-" + std::to_string(100000000000 + backend_->process_id()));
  // Facts 1.3: only to a client that asked for one.
  if (protocol_version_ > 0) protocol::write_parameter_status(client_.out(), "server_protocol_version", std::to_string(protocol_version_));
  protocol::write_backend_key_data(client_.out(), backend_->process_id(), backend_->secret());
  protocol::write_ready_for_query(client_.out(), 'I');
  client_.flush();
}

void Session::fail(protocol::SqlError error) {
  error.severity = protocol::Severity::fatal;
  protocol::write_error(client_.out(), error);
  client_.flush();
}

}  // namespace pgswitch::stand_in
