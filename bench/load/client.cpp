// A client that costs little beside the proxy it loads. TLS when PGSSLMODE is `require`.
//
//   bench_client logins  PORT USER PASSWORD CONNECTIONS SECONDS         log in, say goodbye, again
//   bench_client queries PORT USER PASSWORD CONNECTIONS SECONDS DEPTH   so many queries at once, all answers, again
//   bench_client result  PORT USER PASSWORD MEGABYTES                   one query with so large a result
//   bench_client copy    PORT USER PASSWORD MEGABYTES                   COPY of so much into the table "sink"
//   bench_client idle    PORT USER PASSWORD CONNECTIONS                 log in; one query each after a line of input; wait for the next
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/load/connection.hpp"
#include "protocol/writer.hpp"

namespace pgswitch::bench {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

void report(std::size_t operations, Clock::time_point begin) {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::cout << std::fixed << "operations = " << operations << "\nper second = " << static_cast<double>(operations) / seconds << "\n";
}

void logins(const Target& target, int connections, double seconds) {
  protocol::ScramKeyCache cache;
  std::atomic<std::size_t> done = 0;
  std::atomic<bool> failed = false;
  const Clock::time_point begin = Clock::now(), end = after(seconds);
  const auto work = [&] {
    try {
      for (; Clock::now() < end; ++done) Connection(target, cache).leave();
    } catch (const std::exception& error) {
      failed = true;
      std::cerr << "bench_client: " << error.what() << "\n";
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < connections; ++i) threads.emplace_back(work);
  threads.clear();
  if (failed) std::exit(1);
  report(done, begin);
}

void queries(const Target& target, int count, double seconds, std::size_t depth) {
  protocol::ScramKeyCache cache;
  std::string batch;
  for (std::size_t i = 0; i < depth; ++i) protocol::write_query(batch, "SELECT abalance FROM pgbench_accounts WHERE aid = 4711");
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<pollfd> sockets;
  for (int i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<Connection>(target, cache));
    sockets.push_back({connections.back()->fd(), POLLIN, 0});
  }
  std::vector<std::size_t> owed(connections.size(), depth);
  for (const auto& connection : connections) connection->send(batch);
  std::size_t done = 0;
  const Clock::time_point begin = Clock::now(), end = after(seconds);
  while (Clock::now() < end && poll(sockets.data(), sockets.size(), 1000) > 0)
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (sockets[i].revents == 0) continue;
      const std::size_t answered = connections[i]->receive();
      done += answered;
      owed[i] -= answered;
      if (owed[i] > 0) continue;
      connections[i]->send(batch);
      owed[i] = depth;
    }
  report(done, begin);
}

void result(const Target& target, int megabytes) {
  protocol::ScramKeyCache cache;
  Connection(target, cache).ask("SELECT repeat('x', 1000) FROM generate_series(1, " + std::to_string(megabytes) + " * 1000)");
}

void copy(const Target& target, int megabytes) {
  protocol::ScramKeyCache cache;
  std::string rows, out;
  for (int i = 0; i < 50; ++i) rows += std::string(999, 'x') + '\n';
  protocol::write_query(out, "COPY sink FROM STDIN WHERE false");
  Connection connection(target, cache);
  connection.send(out);
  out.clear();
  protocol::MessageWriter(out, 'd').bytes(rows);
  for (int i = 0; i < megabytes * 20; ++i) connection.send(out);
  out.clear();
  protocol::write_empty(out, 'c');
  connection.send(out);
  while (connection.receive() == 0) {
  }
}

void idle(const Target& target, int count) {
  protocol::ScramKeyCache cache;
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < count; ++i) connections.push_back(std::make_unique<Connection>(target, cache));
  std::cout << "connected" << std::endl;
  std::string line;
  if (!std::getline(std::cin, line)) return;
  for (const auto& connection : connections) connection->ask("SELECT 1");
  std::cout << "asked" << std::endl;
  std::getline(std::cin, line);
}

void run(const std::vector<std::string>& words) {
  const char* mode = std::getenv("PGSSLMODE");
  const Target target{std::stoi(words[1]), words[2], words[3], mode != nullptr && std::strcmp(mode, "require") == 0};
  const int count = std::stoi(words[4]);
  if (words[0] == "logins") logins(target, count, std::stod(words[5]));
  else if (words[0] == "queries") queries(target, count, std::stod(words[5]), std::stoul(words[6]));
  else if (words[0] == "result") result(target, count);
  else if (words[0] == "copy") copy(target, count);
  else idle(target, count);
}

}  // namespace
}  // namespace pgswitch::bench

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const std::size_t wanted = words.empty() ? 0 : words[0] == "queries" ? 7 : words[0] == "logins" ? 6 : 5;
  if (words.size() != wanted || wanted == 0) {
    std::cerr << "usage: bench_client logins|queries|result|copy|idle PORT USER PASSWORD ...; see bench/load/client.cpp\n";
    return 2;
  }
  try {
    pgswitch::bench::run(words);
  } catch (const std::exception& error) {
    std::cerr << "bench_client: " << error.what() << "\n";
    return 1;
  }
}
