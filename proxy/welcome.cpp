#include "proxy/welcome.hpp"

#include <algorithm>
#include <cctype>
#include <strings.h>

#include "protocol/writer.hpp"

namespace pgswitch {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

const std::string* find_value(const ParameterList& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return same_name(entry.first, name); });
  return found == list.end() ? nullptr : &found->second;
}

// Right with standard_conforming_strings on and off.
void append_literal(std::string& out, std::string_view text) {
  if (text.find('\\') != std::string_view::npos) out += 'E';
  out += '\'';
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  out += '\'';
}

void append_setting(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() ? "SELECT pg_catalog.set_config(" : ", pg_catalog.set_config(";
  append_literal(out, name);
  out += ", ";
  append_literal(out, value);
  out += ", false)";
}

// A part of a key and its end: lengths keep "a" + "bc" and "ab" + "c" apart.
void append_part(std::string& key, std::string_view part) {
  key += std::to_string(part.size());
  key += ':';
  key += part;
}

}  // namespace

const Welcome& WelcomeMaker::make(const ParametersPtr& parameters, const std::string* application_name) {
  const auto is_same = [&](const Made& made) {
    const bool both = made.application_name.has_value() == (application_name != nullptr);
    return made.parameters == parameters && both && (!application_name || *made.application_name == *application_name);
  };
  if (const auto found = std::find_if(made_.begin(), made_.end(), is_same); found != made_.end()) return found->welcome;
  Made& made = made_[next_];
  next_ = (next_ + 1) % made_.size();
  made.parameters = parameters;
  made.application_name.reset();
  if (application_name) made.application_name = *application_name;
  ParameterList own = *parameters;
  if (application_name) set_parameter(own, to_string(Tracked::application_name), clean_application_name(*application_name));
  std::string frames;
  for (const auto& [name, value] : own) protocol::write_parameter_status(frames, name, value);
  made.welcome.frames = std::make_shared<const std::string>(std::move(frames));
  const std::string* const version = find_value(own, "server_version");
  made.welcome.server_version = Shared<std::string>(version ? *version : std::string());
  TrackedValues tracked = tracked_of(own);
  if (tracked != *latest_tracked_) latest_tracked_ = TrackedCopy(std::move(tracked));
  made.welcome.tracked = latest_tracked_;
  return made.welcome;
}

std::string WelcomeCache::key(const PoolKey& pool, const StartupSettings& settings) {
  StartupSettings sorted;
  for (const auto& [name, value] : settings) {
    if (!same_name(name, "application_name")) sorted.emplace_back(lower(name), value);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& l, const auto& r) { return l.first < r.first; });
  std::string key = std::to_string(pool.route) + ' ';
  append_part(key, pool.user);
  for (const auto& [name, value] : sorted) {
    append_part(key, name);
    append_part(key, value);
  }
  return key;
}

ParametersPtr WelcomeCache::find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second;
}

void WelcomeCache::insert(std::string key, ParametersPtr parameters) {
  if (!entries_.insert_or_assign(key, std::move(parameters)).second) return;
  age_.push_back(std::move(key));
  if (age_.size() <= capacity_) return;
  entries_.erase(age_.front());
  age_.pop_front();
}

void WelcomeCache::clear() {
  entries_.clear();
  age_.clear();
}

std::string clean_application_name(std::string_view name) {
  constexpr std::size_t longest = 63;
  std::size_t size = std::min(name.size(), longest);
  const auto is_inside = [&](std::size_t i) { return (static_cast<unsigned char>(name[i]) & 0xC0) == 0x80; };
  while (size < name.size() && size > 0 && is_inside(size)) --size;
  std::string clean(name.substr(0, size));
  for (char& c : clean) {
    if (c < 32 || c > 126) c = '?';
  }
  return clean;
}

std::string settings_query(const StartupSettings& settings, const ParameterList& base, const TrackedValues& reported) {
  std::string sql;
  for (std::size_t i = 0; i < tracked_count; ++i) {
    const std::string_view name = to_string(static_cast<Tracked>(i));
    const std::string* value = find_value(base, name);
    const bool has = !reported[i].empty() || static_cast<Tracked>(i) == Tracked::application_name;
    if (value && has && *value != reported[i]) append_setting(sql, name, *value);
  }
  for (const auto& [name, value] : settings) append_setting(sql, name, value);
  return sql;
}

ParameterList merge_parameters(const ParameterList& base, const ParameterList& before, const ParameterList& after,
                               const StartupSettings& settings) {
  ParameterList merged = base;
  for (const auto& [name, value] : after) {
    const std::string* old = find_value(before, name);
    const bool was_set = std::any_of(settings.begin(), settings.end(),
                                     [&, &parameter = name](const auto& entry) { return same_name(entry.first, parameter); });
    if (was_set || !old || *old != value) set_parameter(merged, name, value);
  }
  return merged;
}

TrackedValues tracked_of(const ParameterList& parameters) {
  TrackedValues values;
  for (const auto& [name, value] : parameters) {
    const Tracked tracked = find_tracked(name);
    if (tracked != Tracked::count) values[static_cast<std::size_t>(tracked)] = value;
  }
  return values;
}

}  // namespace pgswitch
