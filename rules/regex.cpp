#include "rules/regex.hpp"

#include <algorithm>
#include <re2/re2.h>

namespace pgswitch::rules {

namespace {

constexpr std::int64_t max_memory = 512 * 1024;  // of the program and of what matching remembers
constexpr int max_program_size = 1000;

re2::RE2::Options options_for(std::string_view pattern) {
  const bool ascii = std::all_of(pattern.begin(), pattern.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  re2::RE2::Options options(ascii ? re2::RE2::Latin1 : re2::RE2::DefaultOptions);
  options.set_log_errors(false);
  options.set_max_mem(max_memory);
  options.set_dot_nl(true);
  options.set_never_capture(true);
  return options;
}

}  // namespace

Regex::Regex(std::string_view pattern)
    : re2_(std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options_for(pattern))) {}

Regex::~Regex() = default;

std::unique_ptr<Regex> Regex::compile(std::string_view pattern, std::string& error) {
  std::unique_ptr<Regex> regex(new Regex(pattern));
  if (!regex->re2_->ok()) {
    error = regex->re2_->error();
    return nullptr;
  }
  if (regex->re2_->ProgramSize() > max_program_size) {
    error = "it is too large";
    return nullptr;
  }
  regex->program_size_ = static_cast<std::uint64_t>(std::max(regex->re2_->ProgramSize(), 0));
  return regex;
}

bool Regex::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *re2_);
}

}  // namespace pgswitch::rules
