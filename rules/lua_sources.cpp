#include "rules/lua_sources.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pgswitch::rules {

namespace fs = std::filesystem;

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// A link may not lead out of the folder either.
bool is_inside(const fs::path& path, const fs::path& folder) {
  std::error_code failed;
  const fs::path real = fs::canonical(path, failed);
  if (failed) return false;
  const fs::path root = fs::canonical(folder, failed);
  if (failed) return false;
  const fs::path relative = real.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

fs::path folder_of(const std::string& file) {
  const fs::path folder = fs::path(file).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

}  // namespace

std::string LuaSources::name() const { return fs::path(file_).filename().string(); }

const std::string* LuaSources::main(std::string& error) { return read("", file_, error); }

std::string LuaSources::module_path(std::string_view name) {
  std::string path;
  bool empty_part = true;
  for (const char c : name) {
    const bool separator = c == '.' || c == '/';
    if (separator ? empty_part : !is_name_character(c)) return {};
    path += separator ? '/' : c;
    empty_part = separator;
  }
  return empty_part ? std::string() : path + ".lua";
}

const std::string* LuaSources::module(std::string_view name, std::string& error) {
  const std::string path = module_path(name);
  if (path.empty()) {
    error = "\"" + std::string(name) + "\" is not the name of a module in the folder of the rules file";
    return nullptr;
  }
  if (const auto known = texts_.find(path); known != texts_.end()) return &known->second;
  const fs::path folder = folder_of(file_);
  if (on_read_) on_read_((folder / path).string());
  if (!is_inside(folder / path, folder)) {
    error = "there is no file \"" + path + "\" in the folder of the rules file";
    return nullptr;
  }
  return read(path, (folder / path).string(), error);
}

const std::string* LuaSources::known(std::string_view shown) const {
  const auto found = texts_.find(shown == name() ? std::string_view() : shown);
  return found == texts_.end() ? nullptr : &found->second;
}

const std::string* LuaSources::read(const std::string& key, const std::string& path, std::string& error) {
  if (const auto known = texts_.find(key); known != texts_.end()) return &known->second;
  const std::string shown = key.empty() ? name() : key;
  if (on_read_ && key.empty()) on_read_(path);
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) {
    error = shown + ": " + (failed ? failed.message() : std::string("is not a file"));
    return nullptr;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    error = shown + ": " + std::strerror(errno);
    return nullptr;
  }
  if (fs::file_size(path, failed) > max_bytes || failed) {
    error = shown + ": is larger than 1 MB";
    return nullptr;
  }
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return &texts_.emplace(key, std::move(text)).first->second;
}

}  // namespace pgswitch::rules
