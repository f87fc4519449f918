#include "proxy/command_replay.hpp"

#include <unistd.h>

#include <cstdio>

#include "proxy/parser_stack.hpp"
#include "proxy/replay/log_file.hpp"
#include "proxy/replay/replay.hpp"
#include "proxy/replay/report.hpp"

namespace pgswitch {
namespace {

using replay::Judge;
using replay::LoggedStatement;
using replay::Replay;

/// A bar on stderr while it is a terminal, gone with the object.
class ProgressBar {
 public:
  explicit ProgressBar(std::uint64_t total) : total_(total), shown_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void advance(std::uint64_t bytes, std::uint64_t statements) {
    done_ += bytes;
    if (!shown_) return;
    constexpr std::uint64_t width = 40;
    const std::uint64_t share = total_ == 0 ? 0 : std::min<std::uint64_t>(done_ * 100 / total_, 100);
    const std::string bar(share * width / 100, '#');
    std::fprintf(stderr, "\r[%-*s] %3d %%  %llu statements", static_cast<int>(width), bar.c_str(), static_cast<int>(share),
                 static_cast<unsigned long long>(statements));
    std::fflush(stderr);
  }

 private:
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  bool shown_;
};

bool read_logs(const ReplayRequest& request, Replay& replay, std::ostream& err) {
  ProgressBar bar(replay::total_size(request.logs));
  const auto sink = [&](const LoggedStatement& statement) { replay.add(statement); };
  const auto progress = [&](std::size_t bytes) { bar.advance(bytes, replay.statements()); };
  std::string error;
  for (const std::string& log : request.logs) {
    if (!replay::read_log(log, sink, progress, error)) return err << error << '\n', false;
  }
  return true;
}

int run(const ReplayRequest& request, std::ostream& out, std::ostream& err) {
  Judge judge, other;
  if (!judge.load(request.ini_path, request.user, request.database, err)) return 1;
  const bool compares = !request.against.empty();
  if (compares && !other.load(request.against, request.user, request.database, err)) return 1;
  Replay replay(judge, compares ? &other : nullptr);
  if (!read_logs(request, replay, err)) return 1;
  if (replay.statements() == 0) {
    err << "no statement found: PostgreSQL logs them with log_statement = all or log_min_duration_statement = 0\n";
    return 1;
  }
  out << (request.json ? to_json(replay, request.against) : to_text(replay, request.against));
  return 0;
}

}  // namespace

int command_replay(const ReplayRequest& request, std::ostream& out, std::ostream& err) {
  return on_parser_stack([&] { return run(request, out, err); });
}

}  // namespace pgswitch
