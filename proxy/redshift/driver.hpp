#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"
#include "protocol/startup.hpp"

/// Amazon's drivers for Redshift as clients. What they send at start-up, and cannot take, is read from their sources:
/// amazon-redshift-jdbc-driver (ConnectionFactoryImpl.java, QueryExecutorImpl.java), amazon-redshift-python-driver (core.py),
/// amazon-redshift-odbc-driver (fe-protocol3.c, fe-connect.c).
namespace pgswitch::redshift {

/// A start-up parameter that only these drivers send, and that no server of ours has a use for.
bool is_driver_parameter(std::string_view name);
/// The client says that it is one of them.
bool is_driver(const protocol::StartupMessage& message);
/// Takes out what they send for Redshift alone. Of a client that is_driver(): no extension of the protocol and no other version than
/// 3.0 either, for JDBC ends the connection at a NegotiateProtocolVersion and at a cancel key of more than four bytes.
void adapt(protocol::StartupMessage& message);
/// A packet without a user is that of a login by the token of an identity provider: the error that says so, in place of PostgreSQL's.
std::optional<protocol::SqlError> refuse_token_login(const protocol::StartupMessage& message);

}  // namespace pgswitch::redshift
