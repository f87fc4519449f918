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

/// The same with these limits of cursors.
inline Start spooling(redshift::SpoolLimits limits) {
  Start start = on_redshift();
  start.spool = limits;
  return start;
}

/// Rows of one column: the numbers from `first` to `last`.
inline Bytes rows(int first, int last) {
  Bytes bytes;
  for (int i = first; i <= last; ++i) bytes += data_row(std::to_string(i));
  return bytes;
}

/// The transaction ends, and with it the lease.
inline Script& end(Script& script, std::string_view sql = "commit", std::string_view tag = "COMMIT") {
  return script.exchange(sql, tag, 'I').expect_release();
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
