#include "proxy/redshift/tags.hpp"

namespace pgswitch::redshift {

std::string client_tag(std::string_view tag, std::uint64_t rows, const rules::Statement* statement) {
  const bool counts = tag == "SELECT" || tag == "FETCH" || tag == "MOVE";
  if (!counts) return std::string(tag);
  const bool makes_a_table = statement && tag == "SELECT" && !statement->writes.empty();
  if (makes_a_table) return statement->kind == rules::Kind::select ? "SELECT INTO" : "CREATE TABLE AS";
  return std::string(tag) + " " + std::to_string(rows);
}

}  // namespace pgswitch::redshift
