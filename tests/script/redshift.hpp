#pragma once
#include <string>
#include <string_view>

#include "deferred_begin.hpp"
#include "script.hpp"

/// Sessions whose own database, route "app", is Redshift; "b" is PostgreSQL.
namespace pgswitch::script {

inline Start on_redshift() {
  Start start;
  start.redshift = {"app"};
  return start;
}

/// Name by which servers of Redshift know a statement of the protocol.
inline std::string there(std::string_view sql) { return on_server(sql, {}, "redshift,,"); }

/// BEGIN, answered here, and the first statement behind it on Redshift.
inline Script& open_there(Script& script, std::string_view begin = "BEGIN", std::string_view sent = "BEGIN", std::string_view sql = "select 1") {
  return script.client(query(begin))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .client(query(sql))
      .expect_acquire()
      .expect_to_server(first_begin(sent), query(sql))
      .server(begun(), row_description(), data_row(), complete("SELECT"), ready('T'))
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), ready('T'));
}

/// A query that needs nothing of the server: it is sent an empty one.
inline Script& unsent(Script& script, std::string_view sql, std::string_view tag, char status) {
  return script.client(query(sql)).expect_to_server(query("")).server(empty_query(), ready(status)).expect_to_client(complete(tag), ready(status));
}

}  // namespace pgswitch::script
