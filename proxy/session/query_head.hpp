#pragma once
#include <cstddef>
#include <string>

#include "rules/decision.hpp"

namespace pgswitch {

/// The simple query at the head of the client's bytes, while it is being worked on.
struct QueryHead {
  bool waits = false;  ///< it has been looked at
  bool decided = false;
  bool plain = false;
  bool copies = false;  ///< plain: it is a COPY ... FROM
  bool client_copy = false;  ///< plain: it is a COPY
  bool conforming_strings = true;  ///< with which all of it is read, whatever it sets itself
  rules::RouteId route = rules::no_route;
  rules::ScriptPtr script;  ///< of a plain one only when it may write
  std::size_t next = 0;
  bool started = false;
  bool failed = false;
};

/// BEGIN, or what may stand between it and the first statement that needs a server: not sent yet.
struct DeferredStatement {
  std::string text;
  rules::StatementPtr statement;
};

}  // namespace pgswitch
