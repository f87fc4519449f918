#include <string>

#include "bench/micro/measure.hpp"
#include "protocol/frame.hpp"
#include "protocol/scram.hpp"

namespace pgswitch::bench {
namespace {

using namespace protocol;

void frames_of_an_answer(benchmark::State& state) {
  const std::string answer = select_answer();
  measure(state, [&] {
    ByteView rest = answer;
    for (FrameHeader header; read_header(rest, 0x7fffffff, header) == HeaderStatus::complete; rest.remove_prefix(header.frame_size()))
      benchmark::DoNotOptimize(header);
  });
}
BENCHMARK(frames_of_an_answer);

void scram_keys_of_a_password(benchmark::State& state) {
  measure(state, [] { benchmark::DoNotOptimize(derive_scram_keys("pencil", "0123456789abcdef", default_scram_iterations)); });
}
BENCHMARK(scram_keys_of_a_password)->Unit(benchmark::kMicrosecond);

/// One exchange with keys that are known; `client_side` or the server's is what is timed.
template <bool client_side>
void scram_steps(benchmark::State& state) {
  const ScramKeys keys = derive_scram_keys("pencil", "0123456789abcdef", default_scram_iterations);
  for (auto _ : state) {
    state.PauseTiming();
    ScramClient client(keys, "clientnonce", {});
    ScramServer server(keys, true, "servernonce", "");
    std::string from_client, from_server;
    const auto clients_turn = [&](auto step) {
      if (client_side) state.ResumeTiming();
      step();
      if (client_side) state.PauseTiming();
    };
    const auto servers_turn = [&](auto step) {
      if (!client_side) state.ResumeTiming();
      step();
      if (!client_side) state.PauseTiming();
    };
    const std::string offered = server.mechanisms();
    clients_turn([&] { server.select(client.choose(offered)), from_client = client.client_first(); });
    servers_turn([&] { server.on_client_first(from_client, from_server); });
    clients_turn([&] { client.on_server_first(from_server, from_client); });
    servers_turn([&] { server.on_client_final(from_client, from_server); });
    clients_turn([&] {
      if (client.on_server_final(from_server) != ScramStatus::done) state.SkipWithError("the exchange failed");
    });
    state.ResumeTiming();
  }
}
BENCHMARK(scram_steps<true>)->Name("scram_client_steps")->Unit(benchmark::kMicrosecond);
BENCHMARK(scram_steps<false>)->Name("scram_server_steps")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pgswitch::bench
