#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/micro/measure.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core.hpp"
#include "proxy/session/ledger.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::bench {
namespace {

void ledger_of_a_query(benchmark::State& state) {
  Ledger ledger;
  measure(state, [&] {
    ledger.push(Expect::query);
    benchmark::DoNotOptimize(ledger.head());
    ledger.pop();
  });
}
BENCHMARK(ledger_of_a_query);

void ledger_of_a_batch(benchmark::State& state) {
  Ledger ledger;
  measure(state, [&] {
    for (const Expect each : {Expect::parse, Expect::bind, Expect::describe, Expect::execute, Expect::sync}) ledger.push(each);
    while (!ledger.empty()) ledger.pop();
  });
}
BENCHMARK(ledger_of_a_batch);

/// A session without rules, and the server it is lent: the shell without sockets.
class Session {
 public:
  Session() : core_(options(), facts(), SessionSettings()) {
    std::string error;
    engine_ = rules::Engine::create({}, 1, error);
    if (!engine_) throw std::runtime_error(error);
    core_.set_engine(*engine_);
  }
  /// The client's messages and the server's answer, from lease to release.
  void relay(std::string_view request, std::string_view answer) {
    std::size_t used = 0;
    for (int turn = 0; turn < 10 && used < request.size(); ++turn, act()) used += core_.on_client_bytes(request.substr(used));
    used += core_.on_server_bytes(route_, answer);
    if (used != request.size() + answer.size()) throw std::runtime_error("the session does not go on");
    act();
    if (lent_) throw std::runtime_error("the server was not given back");
  }

 private:
  static CoreOptions options() {
    CoreOptions made;
    made.default_route = rules::intern_route("app");
    return made;
  }
  static rules::Facts facts() {
    rules::Facts made;
    made.user = made.database = "app";
    made.default_route = rules::intern_route("app");
    made.identity = rules::next_identity();
    return made;
  }
  /// Writes everything and does what is asked for.
  void act() {
    for (;;) {
      core_.to_server().written(core_.to_server().size());
      core_.to_client().written(core_.to_client().size());
      const Action action = core_.next();
      if (action.kind == Action::Kind::need_more) return;
      lent_ = action.kind == Action::Kind::acquire;
      if (lent_) core_.on_acquired(action.route, server_);
    }
  }

  rules::RouteId route_ = rules::intern_route("app");
  std::unique_ptr<rules::Engine> engine_;
  SessionCore core_;
  ServerState server_;
  bool lent_ = false;
};

void session_relays_a_query(benchmark::State& state) {
  Session session;
  const std::string query = select_query(), answer = select_answer();
  measure(state, [&] { session.relay(query, answer); });
}
BENCHMARK(session_relays_a_query);

/// Bind, Describe, Execute and Sync of a prepared statement, as in pgbench -M prepared.
void session_relays_a_prepared_batch(benchmark::State& state) {
  Session session;
  std::string parse, parsed, batch, answer;
  protocol::write_parse(parse, "P_0", "SELECT abalance FROM pgbench_accounts WHERE aid = $1", {});
  protocol::write_sync(parse);
  protocol::write_empty(parsed, '1');
  protocol::write_ready_for_query(parsed, 'I');
  session.relay(parse, parsed);
  protocol::MessageWriter(batch, 'B').string("").string("P_0").int16(0).int16(1).int32(4).bytes("4711").int16(0);
  protocol::MessageWriter(batch, 'D').byte('P').string("");
  protocol::MessageWriter(batch, 'E').string("").int32(0);
  protocol::write_sync(batch);
  protocol::write_empty(answer, '2');
  answer += select_answer();
  measure(state, [&] { session.relay(batch, answer); });
}
BENCHMARK(session_relays_a_prepared_batch);

}  // namespace
}  // namespace pgswitch::bench
