#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Names that Redshift has and PostgreSQL lacks, or the other way round (redshift facts 1.6, 2.2).
namespace pgswitch::stand_in {

enum class Name {
  ordinary,
  absent,    ///< PostgreSQL's only: looked up in the empty schema redshift_absent, so that PostgreSQL itself says that there is none
  provided,  ///< Redshift's only: in the schema redshift of the database behind
};

Name function_name(std::string_view name);
Name relation_name(std::string_view name);
bool is_absent_type(std::string_view name);
bool is_absent_operator(std::string_view op);
/// Leader-node only (facts 1.6 "Leader-node-only functions"): not with user tables.
bool is_leader_function(std::string_view name);
bool is_leader_word(std::string_view word);  ///< the same, written without parentheses
/// Compute-node only: not without a user table.
bool is_compute_function(std::string_view name);
bool is_catalog_relation(std::string_view name);

/// Settings: PostgreSQL's own that Redshift has too, and Redshift's own, kept as redshift.NAME in the database behind.
bool is_shared_setting(std::string_view name);
bool is_own_setting(std::string_view name);
const std::vector<std::pair<std::string_view, std::string_view>>& own_settings();  ///< with their defaults
/// What drivers put into their start-up packet and no SET knows (facts 1.1).
bool is_driver_parameter(std::string_view name);

}  // namespace pgswitch::stand_in
