#pragma once
#include <functional>
#include <string>
#include <vector>

#include "step.hpp"

namespace pgswitch::script {

/// The promise of one session, step by step, over the real SessionCore with the real rules engine. Tables of schema "b"
/// and tables named b_* route to "b", everything else to "app"; "forbidden" is refused, "told" is answered with one row,
/// "old" is rewritten to "renamed", "few" has two rows at most, "brief" a second, and "later" a delay. When the script goes out of scope it is run: once as it is, then cut at every byte, then
/// with the client, each server and the whole session ended at every byte (see run.hpp).
class Script {
 public:
  explicit Script(Start start = {}, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : start_(std::move(start)), file_(file), line_(line) {}
  ~Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  template <class... Parts>
  Script& client(const Parts&... parts) { return bytes(Step::Kind::client, (Bytes() + ... + parts)); }
  template <class... Parts>
  Script& server(const Parts&... parts) { return bytes(Step::Kind::server, (Bytes() + ... + parts)); }
  /// Bytes that a server would not send now.
  Script& server_nonsense(const Bytes& what) { return bytes(Step::Kind::nonsense, what); }
  template <class... Parts>
  Script& expect_to_client(const Parts&... parts) { return bytes(Step::Kind::to_client, (Bytes() + ... + parts)); }
  template <class... Parts>
  Script& expect_to_server(const Parts&... parts) { return bytes(Step::Kind::to_server, (Bytes() + ... + parts)); }

  /// The steps that follow are about the server of this route (at first: the one acquired last).
  Script& on(std::string route) { return route_ = std::move(route), *this; }
  Script& expect_acquire(std::string route = "app") { return on(route).add(Step::Kind::acquire); }
  Script& expect_acquire_but_fail(std::string route, std::string_view sqlstate, bool fatal = false);
  Script& expect_release(std::string route = "app", Leftover leftover = {});
  Script& expect_close() { return add(Step::Kind::close); }
  Script& server_lost(std::string route = "app") { return on(std::move(route)).add(Step::Kind::lost); }
  Script& new_server(std::string route = "app") { return on(std::move(route)).add(Step::Kind::new_server); }
  /// An error skips whole requests of this script.
  Script& expect_gaps() { return start_.gaps = true, *this; }
  Script& reload() { return add(Step::Kind::reload); }
  Script& limit_passed() { return add(Step::Kind::limit_passed); }
  Script& expect_uploaded(std::string_view data) { return bytes(Step::Kind::uploaded, Bytes(data)); }
  Script& expect_cancel() { return add(Step::Kind::cancel); }
  Script& check(std::function<void(const SessionCore&)> question);

  // Exchanges that many scripts have.
  /// One query and its answer, passed on as they are, on a connection that is held.
  Script& exchange(std::string_view sql, std::string_view tag, char status);
  /// The same, with the lease before it and its end behind it.
  Script& whole_exchange(std::string_view sql, std::string_view tag, std::string route = "app");
  /// The client prepares `sql` in a batch of its own, on a server that does not know it.
  Script& prepare(std::string_view name, std::string_view sql);

 private:
  Script& bytes(Step::Kind kind, Bytes what);
  Script& add(Step::Kind kind) { return bytes(kind, {}); }

  Start start_;
  const char* file_;
  int line_;
  std::vector<Step> steps_;
  std::string route_ = "app";
};

/// In session pooling, in statement pooling, with BEGIN sent at once.
Start session_pooling();
Start statement_pooling();
Start eager_begin();
/// All servers are of kind redshift; `upload_error`: an upload ends with it.
Start loading(std::string upload_error = {});

}  // namespace pgswitch::script
