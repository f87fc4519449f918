#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "protocol/login.hpp"
#include "proxy/passwords/password_commands.hpp"
#include "proxy/server_login.hpp"

/// With what a server is logged in to, from wherever it is kept: a client's login, userlist.txt, the [databases] line, a program.
/// Coroutines on the login's worker.
namespace pgswitch {

struct ServerSecret {
  std::string user;                  ///< for the start-up packet: a program may say another than was asked for
  protocol::Credential credential;
  bool is_printed = false;           ///< by password_command
  bool is_fresh = false;             ///< for this login
  PasswordQuestion question;         ///< is_printed: to which it is the answer
};

/// password_command where there is one; else the order of Credentials' comment. False with `error`: the program gave none.
boost::asio::awaitable<bool> find_secret(const ServerHome& home, const LoginRequest& request, const std::string& host, std::int64_t deadline_us,
                                         ServerSecret& secret, protocol::SqlError& error);

/// idp_token_file or idp_token_command. False with `error`: there should be a token and is none. Neither is set: an empty token.
boost::asio::awaitable<bool> find_token(const ServerHome& home, const LoginRequest& request, const std::string& host, std::int64_t deadline_us,
                                        protocol::SecretText& token, protocol::SqlError& error);

}  // namespace pgswitch
