// What is done with every script beyond running it as it is.
#include <algorithm>

#include "run.hpp"

namespace pgswitch::script {

namespace {

using How = Run::How;

/// Places to cut a step at: every byte of what is short, the ends and some between of what is long.
std::vector<std::size_t> cuts(const Step& step) {
  std::vector<std::size_t> places;
  constexpr std::size_t every_byte_up_to = 700, ends = 40;
  const std::size_t size = step.bytes.size();
  if (step.kind != Step::Kind::client && step.kind != Step::Kind::server) return places;
  for (std::size_t at = 1; at < size;) {
    places.push_back(at);
    const bool inside = size > every_byte_up_to && at > ends && at + ends < size;
    at += inside ? std::min(size / 7, size - ends - at) : 1;
  }
  return places;
}

std::string run_whole(const Start& start, const std::vector<Step>& steps, How how) {
  Run run(start, how);
  run.steps(steps, steps.size());
  run.finish();
  return run.failure();
}

std::string cut_everywhere(const Start& start, const std::vector<Step>& steps) {
  std::string failure = run_whole(start, steps, {1, 1, static_cast<std::size_t>(-1), 0, false});
  if (!failure.empty()) return "one byte at a time, " + failure;
  failure = run_whole(start, steps, {7, 3, static_cast<std::size_t>(-1), 0, true});
  if (!failure.empty()) return "seven bytes at a time, " + failure;
  for (std::size_t i = 0; i < steps.size(); ++i)
    for (const std::size_t at : cuts(steps[i])) {
      failure = run_whole(start, steps, {static_cast<std::size_t>(-1), static_cast<std::size_t>(-1), i, at, false});
      if (!failure.empty()) return "step " + std::to_string(i + 1) + " cut at " + std::to_string(at) + ", " + failure;
    }
  return {};
}

std::string end_at(const Start& start, const std::vector<Step>& steps, std::size_t step, std::size_t partial, bool cools) {
  const std::string where = "after step " + std::to_string(step) + " and " + std::to_string(partial) + " bytes, " + (cools ? "cool, " : "");
  const auto run = [&](const char* what, auto end) -> std::string {
    Run one(start, {.cools = cools});
    one.steps(steps, step, partial);
    if (one.failure().empty()) end(one);
    return one.failure().empty() ? std::string{} : where + what + ": " + one.failure();
  };
  std::vector<std::string> leased;
  std::string failure = run("client lost", [&](Run& one) { one.lose_client(), leased = one.leased(); });
  if (failure.empty()) failure = run("session ended", [](Run& one) { one.end_session(); });
  for (const std::string& route : leased)
    if (failure.empty()) failure = run(("server of " + route + " lost").c_str(), [&](Run& one) { one.lose_everything(route); });
  return failure;
}

std::string end_everywhere(const Start& start, const std::vector<Step>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::vector<std::size_t> places = cuts(steps[i]);
    places.insert(places.begin(), 0);
    for (const std::size_t partial : places)
      for (const bool cools : {false, true})
        if (std::string failure = end_at(start, steps, i, partial, cools); !failure.empty()) return failure;
  }
  return {};
}

}  // namespace

std::string run_everything(const Start& start, const std::vector<Step>& steps) {
  std::string failure = run_whole(start, steps, {});
  if (failure.empty()) failure = run_whole(start, steps, {.cools = true});
  if (failure.empty()) failure = run_whole(start, steps, {.lends = Run::Lends::expected});
  if (failure.empty()) failure = cut_everywhere(start, steps);
  if (failure.empty()) failure = end_everywhere(start, steps);
  return failure;
}

}  // namespace pgswitch::script
