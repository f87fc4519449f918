#pragma once
#include <string>
#include <string_view>

#include "tests/redshift/channel.hpp"
#include "tests/redshift/options.hpp"

/// How a client proves who it is (redshift facts 1.2).
namespace pgswitch::stand_in {

/// The dialogue up to and with AuthenticationOk, which is not yet flushed. `user` may be empty for an identity provider's token, and is the
/// token's then. Throws Refused (28000).
void log_in(Channel& client, const Options& options, std::string& user);

/// What Redshift stores: SHA256(password || salt) (facts 1.2 "AUTH_REQ_DIGEST").
std::string stored_digest(std::string_view password, std::string_view salt);
/// What a client answers: SHA256(stored || server nonce || client nonce).
std::string digest_answer(std::string_view stored, std::string_view server_nonce, std::string_view client_nonce);

}  // namespace pgswitch::stand_in
