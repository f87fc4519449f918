#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/session/shared.hpp"

namespace pgswitch {

/// A text that never changes and that all its copies share.
class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string text) : text_(std::move(text)) {}
  SharedText(const char* text) : SharedText(std::string(text)) {}
  operator std::string_view() const { return text_ ? std::string_view(*text_) : std::string_view(); }
  bool operator==(const SharedText& other) const { return text_ == other.text_ || std::string_view(*this) == std::string_view(other); }

 private:
  Shared<std::string> text_;
};

/// An unreported setting and the complete statement that sets it ("SET search_path TO a, b").
struct SessionSetting {
  std::string name;
  SharedText statement;
};

/// Settings, sorted by name. Its copies share one list, which is never changed but replaced: a session, the servers that it has
/// been on and its savepoints have mostly the same one. So the sharers may live on different threads.
class Settings {
 public:
  using List = std::vector<SessionSetting>;
  Settings() = default;
  Settings(std::initializer_list<SessionSetting> settings);

  List::const_iterator begin() const { return list().begin(); }
  List::const_iterator end() const { return list().end(); }
  bool empty() const { return !list_; }
  /// nullptr when there is none.
  const SessionSetting* find(std::string_view name) const;
  /// The same list: there is nothing to compare. False says nothing.
  bool shares(const Settings& other) const { return list_ == other.list_; }

  void set(std::string_view name, SharedText statement);
  void erase(std::string_view name);
  void clear() { list_ = {}; }

 private:
  static const List& none();
  const List& list() const { return list_ ? *list_ : none(); }

  Shared<List> list_;  ///< none when empty
};

}  // namespace pgswitch
