#pragma once
// PostgreSQL's own parse nodes, for analyze*.cpp alone. The standard headers come first: postgres.h includes their C
// namesakes, which must not be seen for the first time inside extern "C".
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
#include <pg_query.h>
#include <pg_query/pg_query_internal.h>

#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
#include "nodes/value.h"
}

// Macros of postgres.h that are words of ours or of the standard library.
#undef Min
#undef Max
#undef Abs
#undef _
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#undef strerror
#undef strerror_r
#undef bind
#undef unlikely
#undef likely

namespace pgswitch::rules {

/// The members of a List as pointers to nodes.
class NodeList {
 public:
  explicit NodeList(const List* list)
      : begin_(list ? list->elements : nullptr), end_(list ? list->elements + list->length : nullptr) {}
  struct Iterator {
    const ListCell* cell;
    Node* operator*() const { return static_cast<Node*>(cell->ptr_value); }
    Iterator& operator++() {
      ++cell;
      return *this;
    }
    bool operator==(const Iterator&) const = default;
  };
  Iterator begin() const { return {begin_}; }
  Iterator end() const { return {end_}; }

 private:
  const ListCell* begin_;
  const ListCell* end_;
};

inline std::size_t length(const List* list) { return list ? static_cast<std::size_t>(list->length) : 0; }
inline Node* first(const List* list) { return length(list) ? static_cast<Node*>(list->elements[0].ptr_value) : nullptr; }
inline std::string_view text_of(const char* text) { return text ? std::string_view(text) : std::string_view(); }
/// The text of a String node, "" of any other.
inline std::string_view string_of(const Node* node) {
  return node && node->type == T_String ? text_of(reinterpret_cast<const String*>(node)->sval) : std::string_view();
}
template <class T>
const T* as(const Node* node) {
  return reinterpret_cast<const T*>(node);
}
inline const Node* node_of(const Expr* expr) { return reinterpret_cast<const Node*>(expr); }

}  // namespace pgswitch::rules
