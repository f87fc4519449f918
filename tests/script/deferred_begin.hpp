#pragma once
#include "script.hpp"

/// What a deferred BEGIN looks like to a server.
namespace pgswitch::script {

/// What opens a deferred transaction on a server that has not seen the text before, and after.
inline Bytes first_begin(std::string_view text = "begin") { return parse(on_server(text), text) + bind_to("pgswitch", on_server(text)) + execute("pgswitch") + close_portal("pgswitch"); }
inline Bytes next_begin(std::string_view text = "begin") { return bind_to("pgswitch", on_server(text)) + execute("pgswitch") + close_portal("pgswitch"); }
/// What ends one, and what else stands behind its beginning.
inline Bytes first_end(std::string_view text) { return parse(on_server(text), text) + bind_to("", on_server(text)) + execute(""); }
inline Bytes first_behind(std::string_view text) {
  return parse(on_server(text), text) + close_portal("pgswitch") + bind_to("pgswitch", on_server(text)) + execute("pgswitch") + close_portal("pgswitch");
}
inline Bytes begun() { return parse_complete() + bind_complete() + complete("BEGIN") + close_complete(); }
inline Bytes known_begun() { return bind_complete() + complete("BEGIN") + close_complete(); }

/// BEGIN and a first statement in the simple protocol, on route `app`.
inline Script& open(Script& script, std::string_view sql = "select 1", std::string_view tag = "SELECT 1") {
  return script.client(query("begin"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .client(query(sql))
      .expect_acquire()
      .expect_to_server(first_begin(), query(sql))
      .server(begun(), complete(tag), ready('T'))
      .expect_to_client(complete(tag), ready('T'));
}

}  // namespace pgswitch::script
