#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"

/// MD5 password authentication (manual, 55.2.1 AuthenticationMD5Password). Kept because userlists and Redshift have it;
/// the stored secret is as good as the password. Every function yields nullopt when libcrypto refuses MD5 (FIPS mode).
namespace pgswitch::protocol {

/// True for "md5" and 32 lower-case hexadecimal digits, PostgreSQL's and pgbouncer's stored form.
bool is_md5_secret(std::string_view text);
/// The stored form: "md5" + hex(md5(password + user)).
std::optional<std::string> md5_secret(std::string_view password, std::string_view user);
/// What a client answers: "md5" + hex(md5(hex digits of `secret` + salt)); `salt` is the 4 bytes of the request.
std::optional<std::string> md5_response(std::string_view secret, ByteView salt);

}  // namespace pgswitch::protocol
