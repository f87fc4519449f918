#pragma once
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

namespace pgswitch {

/// std::unordered_map in the size of a pointer, for what few sessions have anything in: the map is made for the first element
/// and then kept, so that a session which uses it allocates no more than with a plain one.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class RareMap {
 public:
  using Map = std::unordered_map<Key, Value, Hash, Equal>;
  using iterator = typename Map::iterator;
  using const_iterator = typename Map::const_iterator;

  RareMap() = default;
  RareMap(const RareMap& other) : map_(other.empty() ? nullptr : std::make_unique<Map>(*other.map_)) {}
  RareMap(RareMap&&) noexcept = default;
  RareMap& operator=(const RareMap& other) { return *this = RareMap(other); }
  RareMap& operator=(RareMap&&) noexcept = default;
  ~RareMap() = default;

  bool empty() const { return size() == 0; }
  std::size_t size() const { return map_ ? map_->size() : 0; }
  iterator begin() { return seen().begin(); }
  iterator end() { return seen().end(); }
  const_iterator begin() const { return seen().begin(); }
  const_iterator end() const { return seen().end(); }
  template <class Name>
  iterator find(const Name& name) { return seen().find(name); }
  template <class Name>
  const_iterator find(const Name& name) const { return seen().find(name); }
  template <class Name>
  bool contains(const Name& name) const { return map_ && map_->contains(name); }
  Value& at(const Key& key) { return seen().at(key); }
  const Value& at(const Key& key) const { return seen().at(key); }

  Value& operator[](const Key& key) { return made()[key]; }
  std::size_t erase(const Key& key) { return map_ ? map_->erase(key) : 0; }
  iterator erase(iterator at) { return map_->erase(at); }
  void clear() {
    if (map_) map_->clear();
  }
  /// Memory back to the heap; only what is empty has any to give.
  void shrink() {
    if (empty()) map_.reset();
  }

  template <class Predicate>
  friend std::size_t erase_if(RareMap& map, Predicate predicate) {
    return map.map_ ? std::erase_if(*map.map_, predicate) : 0;
  }

 private:
  /// Never has an element.
  static Map& none() {
    static Map nothing;
    return nothing;
  }
  Map& seen() { return map_ ? *map_ : none(); }
  const Map& seen() const { return map_ ? *map_ : none(); }
  Map& made() {
    if (!map_) map_ = std::make_unique<Map>();
    return *map_;
  }

  std::unique_ptr<Map> map_;
};

}  // namespace pgswitch
