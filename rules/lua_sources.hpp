#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace pgswitch::rules {

/// The texts of a rules file and of the modules it requires, read once: a Lua state that has to be rebuilt gets the same
/// rules again, whatever was done to the files since. Owned by LuaRules.
class LuaSources {
 public:
  /// The largest file that is read.
  static constexpr std::size_t max_bytes = 1024 * 1024;

  /// `on_read` is told of each file before it is read, or found missing.
  explicit LuaSources(std::string rules_file, std::function<void(const std::string& path)> on_read = {})
      : file_(std::move(rules_file)), on_read_(std::move(on_read)) {}

  /// Text of the rules file; nullptr and `error` when it cannot be read. The pointer stays valid.
  const std::string* main(std::string& error);
  /// Text of a module of the rules file's folder ("sub.name" or "sub/name": sub/name.lua); nullptr and `error` when the
  /// name leads elsewhere or there is no such file.
  const std::string* module(std::string_view name, std::string& error);
  /// A text that has been read, by its name in messages: "rules.lua", "sub/name.lua"; nullptr when there is none.
  const std::string* known(std::string_view shown) const;
  /// Calls `visit(name, text)` for each text that has been read, by its name in messages.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [key, text] : texts_) visit(key.empty() ? name() : key, text);
  }
  /// File name without the folder, for messages.
  std::string name() const;
  /// "sub/name.lua"; empty when the name is not one of a module inside the folder.
  static std::string module_path(std::string_view name);

 private:
  const std::string* read(const std::string& key, const std::string& path, std::string& error);

  std::string file_;
  std::function<void(const std::string& path)> on_read_;
  std::map<std::string, std::string, std::less<>> texts_;
};

}  // namespace pgswitch::rules
