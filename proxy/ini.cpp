#include "proxy/ini.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "proxy/config_values.hpp"

namespace pgswitch {
namespace {

constexpr int deepest_include = 10;
constexpr off_t largest_file = 64 * 1024 * 1024;

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '*' ||
         c == '-';
}

/// Takes a quoted key off the front of `line`. '...' has no escape, "..." doubles the quote, as pgbouncer's manual says.
bool take_quoted_key(std::string_view& line, std::string& key) {
  const char quote = line.front();
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] != quote) {
      key += line[i];
    } else if (quote == '"' && i + 1 < line.size() && line[i + 1] == quote) {
      key += quote;
      ++i;
    } else {
      line.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool take_key(std::string_view& line, std::string& key) {
  if (line.front() == '\'' || line.front() == '"') return take_quoted_key(line, key);
  const auto end = std::find_if_not(line.begin(), line.end(), is_key_character);
  key.assign(line.begin(), end);
  line.remove_prefix(key.size());
  return true;
}

/// Walks the lines of one file and, through includes, of others; all of them append to one Ini.
class IniReader {
 public:
  explicit IniReader(Ini& ini, std::string main_path) : ini_(ini), main_path_(std::move(main_path)) {}

  void read(const std::string& path, int depth) {
    std::string text, error;
    if (read_file(path, text, error))
      parse(text, path, depth);
    else
      fail(path, 0, "cannot read file: " + error);
  }

  void parse(std::string_view text, const std::string& path, int depth) {
    for (int line = 1; !text.empty(); ++line) {
      const auto end = std::min(text.find('\n'), text.size());
      parse_line(trim(text.substr(0, end)), path, line, depth);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

 private:
  void parse_line(std::string_view line, const std::string& path, int number, int depth) {
    if (line.empty() || line[0] == ';' || line[0] == '#') return;
    if (line.find('\0') != std::string_view::npos) return fail(path, number, "zero byte in line");
    if (line[0] == '[') return open_section(line, path, number);
    if (line[0] == '%') return include(line, path, number, depth);
    add_entry(line, path, number);
  }

  void open_section(std::string_view line, const std::string& path, int number) {
    if (line.back() != ']' || line.size() < 3) return fail(path, number, "syntax error: expected [section]");
    section_ = std::string(line.substr(1, line.size() - 2));
    ini_.sections.push_back(section_);
    section_number_ = static_cast<int>(std::count(ini_.sections.begin(), ini_.sections.end(), section_));
  }

  void include(std::string_view line, const std::string& path, int number, int depth) {
    constexpr std::string_view word = "%include";
    const auto name = trim(line.substr(std::min(word.size(), line.size())));
    if (!line.starts_with(word) || name.empty() || line[word.size()] > ' ')
      return fail(path, number, "syntax error: expected %include FILE");
    if (depth >= deepest_include) return fail(path, number, "%include is nested too deep (limit 10)");
    const std::string file = find_file(std::string(name), main_path_);
    std::string text, error;
    if (!read_file(file, text, error)) return fail(path, number, "cannot read \"" + file + "\": " + error);
    parse(text, file, depth + 1);
  }

  void add_entry(std::string_view line, const std::string& path, int number) {
    IniEntry entry;
    if (!take_key(line, entry.key)) return fail(path, number, "syntax error: the quote of the key is not closed");
    line = trim(line);
    if (entry.key.empty() || !line.starts_with('=')) return fail(path, number, "syntax error: expected key = value");
    if (ini_.sections.empty()) return fail(path, number, "setting before the first [section]");
    entry.value = std::string(trim(line.substr(1)));
    entry.section = section_;
    entry.section_number = section_number_;
    entry.file = path;
    entry.line = number;
    ini_.entries.push_back(std::move(entry));
  }

  void fail(const std::string& path, int line, std::string message) {
    ini_.errors.push_back({path, line, std::move(message)});
  }

  Ini& ini_;
  std::string main_path_;
  std::string section_;
  int section_number_ = 0;
};

}  // namespace

Ini read_ini(const std::string& path) {
  Ini ini;
  IniReader(ini, path).read(path, 0);
  return ini;
}

Ini parse_ini(std::string_view text, const std::string& path) {
  Ini ini;
  IniReader(ini, path).parse(text, path, 0);
  return ini;
}

std::string beside(const std::string& path, const std::string& ini_path) {
  const std::filesystem::path wanted(path);
  if (path.empty() || wanted.is_absolute()) return path;
  return (std::filesystem::path(ini_path).parent_path() / wanted).string();
}

std::string find_file(const std::string& path, const std::string& ini_path) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::exists(path, ignored)) return path;
  const std::string other = beside(path, ini_path);
  return std::filesystem::exists(other, ignored) ? other : path;
}

bool read_file(const std::string& path, std::string& text, std::string& error) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  struct stat status{};
  if (!file || fstat(fileno(file.get()), &status) != 0) return error = std::strerror(errno), false;
  if (S_ISDIR(status.st_mode)) return error = std::strerror(EISDIR), false;
  if (status.st_size > largest_file) return error = std::strerror(EFBIG), false;
  text.clear();
  std::array<char, 16384> chunk{};
  while (const auto size = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    text.append(chunk.data(), size);
    if (static_cast<off_t>(text.size()) > largest_file) return error = std::strerror(EFBIG), false;
  }
  if (std::ferror(file.get()) != 0) return error = std::strerror(errno), false;
  return true;
}

}  // namespace pgswitch
