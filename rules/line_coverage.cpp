#include "rules/line_coverage.hpp"

#include <algorithm>
#include <cstdio>

namespace pgswitch::rules {

namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool has_run(const std::vector<bool>& reached, int line) {
  return static_cast<std::size_t>(line) < reached.size() && reached[static_cast<std::size_t>(line)];
}

std::string heading(const std::string& name, std::size_t ran, std::size_t lines) {
  char share[16];
  std::snprintf(share, sizeof share, "%.1f", lines == 0 ? 100.0 : 100.0 * static_cast<double>(ran) / static_cast<double>(lines));
  return name + ": " + std::to_string(ran) + " of " + std::to_string(lines) + " lines have run (" + share + " %)\n";
}

}  // namespace

void LineCoverage::add_source(const std::string& name, std::string_view text) {
  Source& source = sources_[name];
  source.text = text;
  source.code = code_lines(text);
}

void LineCoverage::ran(std::string_view name, int line) noexcept {
  if (line <= 0) return;
  auto found = sources_.find(name);
  if (found == sources_.end()) found = sources_.emplace(name, Source()).first;
  std::vector<bool>& reached = found->second.reached;
  if (reached.size() <= static_cast<std::size_t>(line)) reached.resize(static_cast<std::size_t>(line) + 1);
  reached[static_cast<std::size_t>(line)] = true;
}

LineCoverage::Totals LineCoverage::totals_of(const Source& source) {
  const auto ran = std::count_if(source.code.begin(), source.code.end(), [&](int line) { return has_run(source.reached, line); });
  return {static_cast<std::size_t>(ran), source.code.size()};
}

LineCoverage::Totals LineCoverage::totals() const {
  Totals sum;
  for (const auto& [name, source] : sources_) {
    const Totals one = totals_of(source);
    sum.ran += one.ran;
    sum.lines += one.lines;
  }
  return sum;
}

std::string LineCoverage::report() const {
  std::string page;
  for (const auto& [name, source] : sources_) {
    const Totals sum = totals_of(source);
    page += heading(name, sum.ran, sum.lines);
    std::string_view rest = source.text;
    for (int line = 1; !rest.empty(); ++line) {
      const bool code = std::binary_search(source.code.begin(), source.code.end(), line);
      char number[16];
      std::snprintf(number, sizeof number, "%c %5d  ", !code ? ' ' : has_run(source.reached, line) ? '+' : '!', line);
      page.append(number).append(take_line(rest)).append("\n");
    }
  }
  return page;
}

}  // namespace pgswitch::rules
