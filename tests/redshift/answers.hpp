#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"

/// PostgreSQL's answers as Redshift gives them (redshift facts 1.4, 1.5).
namespace pgswitch::stand_in {

/// SELECT, FETCH and COPY have no row count (facts 1.5 "CommandComplete of SELECT has no row count").
std::string_view redshift_tag(std::string_view tag);

/// Name and value as Redshift reports them; nullopt: it has no such parameter (facts 1.4).
std::optional<std::pair<std::string, std::string>> redshift_parameter(const std::string& name, const std::string& value,
                                                                      bool client_set_encoding);
/// What only Redshift reports, at the start of a session.
std::span<const std::pair<std::string_view, std::string_view>> own_parameters();

/// 1023 for a serialization failure (facts 1.6 "isolation"), and names without the schemas of setup.sql.
protocol::SqlError redshift_error(protocol::SqlError error);

/// A line of EXPLAIN's plan: "XN " before the name of each node.
std::string explain_line(std::string_view line);

}  // namespace pgswitch::stand_in
