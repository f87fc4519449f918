#pragma once
#include <string_view>

namespace pgswitch::rules {

/// What is known of a function by its name alone: overloads cannot be told apart without types.
struct FunctionFacts {
  bool known = false;      ///< of PostgreSQL 15 or Redshift; a user's function is not
  bool writes = false;     ///< changes data, takes locks, signals, reads the server's files, or runs SQL given as text
  bool aggregate = false;
  bool window = false;     ///< meant to be used with OVER
};

/// Looks `name` up among the built-in functions of PostgreSQL (pg_functions.inc) and of Redshift. `schema`: as written;
/// only "", pg_catalog and information_schema hold built-in functions. A volatile function counts as writing unless it is
/// known to be harmless, like random() or pg_relation_size().
FunctionFacts function_facts(std::string_view schema, std::string_view name);

}  // namespace pgswitch::rules
