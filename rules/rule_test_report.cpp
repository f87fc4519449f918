#include <algorithm>
#include <cstdio>

#include "rules/rule_test_run.hpp"

namespace pgswitch::rules {

namespace {

constexpr std::size_t label_width = 10;

/// "    label     value", further lines of the value under its first.
void append_lines(std::string& page, std::string_view label, std::string_view value) {
  page.append("    ").append(label).append(label_width - std::min(label.size(), label_width - 1), ' ');
  for (const char c : value) {
    page += c;
    if (c == '\n') page.append(4 + label_width, ' ');
  }
  page += '\n';
}

std::string place_of(const RuleTest& test) { return test.file + ":" + std::to_string(test.line); }

/// Where two texts part, when that is not at their beginning.
void append_difference(std::string& page, const Mismatch& mismatch) {
  const auto size = std::min(mismatch.expected.size(), mismatch.got.size());
  std::size_t same = 0;
  while (same < size && mismatch.expected[same] == mismatch.got[same]) ++same;
  constexpr std::size_t worth_telling = 10;
  if (same < worth_telling) return;
  const std::size_t line = mismatch.expected.rfind('\n', same - 1) + 1;  // npos + 1 is 0
  const bool one_line = mismatch.expected.find('\n') == std::string::npos && mismatch.got.find('\n') == std::string::npos;
  if (one_line) append_lines(page, "", std::string(same - line, ' ') + "^");
  else append_lines(page, "", "they part at byte " + std::to_string(same + 1));
}

std::string differences(const RuleTestResult& result) {
  std::string page;
  for (const Mismatch& mismatch : result.mismatches) {
    page += "  " + mismatch.what + "\n";
    append_lines(page, "expected", mismatch.expected);
    append_lines(page, "got", mismatch.got);
    append_difference(page, mismatch);
  }
  return page;
}

std::string indented(std::string_view text) {
  std::string page = "    ";
  for (const char c : text.substr(0, text.find_last_not_of('\n') + 1)) {
    page += c;
    if (c == '\n') page += "    ";
  }
  return page + "\n";
}

std::string count(std::size_t number, const char* noun) { return std::to_string(number) + " " + noun + (number == 1 ? "" : "s"); }

/// Bytes of the character of UTF-8 at the start of `text`; 0: there is none.
std::size_t character_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = at(0);
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  const bool no_character = (lead == 0xed && at(1) > 0x9f) || (lead == 0xf4 && at(1) > 0x8f);
  return overlong || no_character ? 0 : size;
}

/// Text between tags or in an attribute. Control characters, and bytes that are no UTF-8, have no place in XML 1.0.
std::string xml(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const char c = text[0];
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      default:
        if (size == 0 || (static_cast<unsigned char>(c) < ' ' && c != '\t')) out += '?';
        else out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string test_case(const RuleTestResult& result) {
  const RuleTest& test = result.test;
  std::string element = "  <testcase classname=\"" + xml(test.file) + "\" name=\"" + xml(test.name) + "\" file=\"" + xml(test.file) + "\" line=\"" +
                        std::to_string(test.line) + "\"";
  if (result.mismatches.empty()) return element + "/>\n";
  const Mismatch& first = result.mismatches.front();
  element += ">\n    <failure message=\"" + xml(first.what + ": expected " + first.expected + ", got " + first.got) + "\">";
  return element + xml(place_of(test) + "\n" + differences(result) + result.story) + "</failure>\n  </testcase>\n";
}

std::string hit_case(const std::vector<std::string>& unhit) {
  std::string element = "  <testcase classname=\"pgswitch\" name=\"every rule is hit\"";
  if (unhit.empty()) return element + "/>\n";
  std::string list;
  for (const std::string& rule : unhit) list += "never hit: " + rule + "\n";
  return element + ">\n    <failure message=\"" + xml(count(unhit.size(), "rule") + " never hit") + "\">" + xml(list) + "</failure>\n  </testcase>\n";
}

}  // namespace

std::string to_text(const RuleTestRun& run, bool tell_unhit, bool verbose) {
  std::string page;
  for (const RuleTestResult& result : run.results) {
    const RuleTest& test = result.test;
    if (result.mismatches.empty()) {
      if (verbose) page += place_of(test) + ": ok: " + test.name + "\n";
      continue;
    }
    page += place_of(test) + ": FAILED: " + test.name + "\n" + differences(result);
    if (!result.story.empty()) page += "  explain\n" + indented(result.story);
  }
  const std::size_t unhit = tell_unhit ? run.unhit.size() : 0;
  for (std::size_t i = 0; i < unhit; ++i) page += "never hit: " + run.unhit[i] + "\n";
  page += count(run.results.size(), "test") + ", " + std::to_string(run.failures()) + " failed";
  if (unhit > 0) page += ", " + count(unhit, "rule") + " never hit";
  return page + "\n";
}

std::string to_junit(const RuleTestRun& run, bool tell_unhit) {
  const std::size_t tests = run.results.size() + (tell_unhit ? 1 : 0);
  const std::size_t failures = run.failures() + (tell_unhit && !run.unhit.empty() ? 1 : 0);
  const std::string counts = "tests=\"" + std::to_string(tests) + "\" failures=\"" + std::to_string(failures) + "\" errors=\"0\"";
  std::string page = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + counts + ">\n <testsuite name=\"pgswitch rules\" " + counts + ">\n";
  for (const RuleTestResult& result : run.results) page += test_case(result);
  if (tell_unhit) page += hit_case(run.unhit);
  return page + " </testsuite>\n</testsuites>\n";
}

}  // namespace pgswitch::rules
