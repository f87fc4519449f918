#include "proxy/server_secrets.hpp"

#include <algorithm>
#include <memory>

#include "proxy/config_values.hpp"
#include "proxy/ini.hpp"

namespace pgswitch {

namespace asio = boost::asio;
using protocol::SqlError;

namespace {

protocol::ScramKeys keys_of(const Credentials& credentials) {
  protocol::ScramKeys keys;
  std::copy_n(credentials.client_key.begin(), keys.client_key.size(), keys.client_key.begin());
  std::copy_n(credentials.server_key.begin(), keys.server_key.size(), keys.server_key.begin());
  keys.stored_key = protocol::sha256(credentials.client_key);
  keys.has_client_key = true;
  return keys;
}

bool has_keys(const Credentials& credentials) {
  return credentials.client_key.size() == sizeof(protocol::Digest) &&
         credentials.server_key.size() == sizeof(protocol::Digest);
}

/// The order of Credentials' comment: forced user, what the client showed, userlist.
protocol::Credential stored_credential(const LoginRequest& request) {
  const Database& database = *request.database;
  const bool forced = !database.user.empty();
  const Credentials* shown = request.credentials.get();
  if (!forced && shown && shown->user == request.user) {
    if (!shown->password.empty()) return protocol::Password{protocol::SecretText(shown->password)};
    if (has_keys(*shown)) return keys_of(*shown);
    if (!shown->secret.empty()) return protocol::parse_credential(shown->secret);
  }
  const std::string* secret = request.config->server_secret(database, request.user);
  return secret ? protocol::parse_credential(*secret) : protocol::Credential();
}

PasswordQuestion question_of(const LoginRequest& request, const std::string& host, std::string_view command) {
  const Database& database = *request.database;
  PasswordQuestion question;
  question.command = command;
  question.subject.user = request.user;
  question.subject.host = host;
  question.subject.port = database.port;
  question.subject.database = database.dbname.empty() ? database.name : database.dbname;
  question.time_us = request.config->password_command_timeout;
  question.lifetime_us = request.config->password_command_lifetime;
  return question;
}

asio::awaitable<bool> ask_command(const ServerHome& home, const PasswordQuestion& question, std::int64_t deadline_us, PasswordAnswer& answer,
                                  SqlError& error) {
  if (!home.password_commands) {
    error = unreachable("password_command cannot be run here");
    co_return false;
  }
  co_await home.password_commands->ask(home.io, question, deadline_us, answer);
  if (!answer.error.empty()) error = unreachable(answer.error);
  co_return answer.error.empty();
}

}  // namespace

asio::awaitable<bool> find_secret(const ServerHome& home, const LoginRequest& request, const std::string& host, std::int64_t deadline_us,
                                  ServerSecret& secret, SqlError& error) {
  secret.user = request.user;
  const std::string_view command = request.config->password_command_of(*request.database);
  if (command.empty()) {
    secret.credential = stored_credential(request);
    co_return true;
  }
  secret.question = question_of(request, host, command);
  PasswordAnswer answer;
  const bool known = co_await ask_command(home, secret.question, deadline_us, answer, error);
  if (!known) co_return false;
  secret.is_printed = true;
  secret.is_fresh = answer.is_fresh;
  if (!answer.user.empty()) secret.user = answer.user;
  secret.credential = protocol::Password{answer.password};
  co_return true;
}

asio::awaitable<bool> find_token(const ServerHome& home, const LoginRequest& request, const std::string& host, std::int64_t deadline_us,
                                 protocol::SecretText& token, SqlError& error) {
  const Database& database = *request.database;
  if (!database.idp_token_command.empty()) {
    const PasswordQuestion question = question_of(request, host, database.idp_token_command);
    PasswordAnswer answer;
    const bool known = co_await ask_command(home, question, deadline_us, answer, error);
    if (known) token = answer.password;
    co_return known;
  }
  if (database.idp_token_file.empty()) co_return true;
  std::string text, problem;
  bool read = false;
  const std::function<void()> work = [&] { read = read_file(database.idp_token_file, text, problem); };
  if (home.run_aside) co_await home.run_aside(work);
  else work();
  token = protocol::SecretText(trim(text));
  protocol::cleanse(text);
  if (!read) error = unreachable("idp_token_file cannot be read: " + problem);
  else if (token.text().empty()) error = unreachable("idp_token_file is empty");
  co_return read && !token.text().empty();
}

}  // namespace pgswitch
