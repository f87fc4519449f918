#include "rules/statement.hpp"

#include <cinttypes>
#include <cstdio>

namespace pgswitch::rules {

bool shows_last_route(const Statement& statement) {
  return statement.kind == Kind::show && statement.object == "pgswitch.last_route";
}

bool goes_anywhere(Kind kind) {
  return kind == Kind::empty || (kind >= Kind::begin && kind <= Kind::discard) || kind == Kind::deallocate || kind == Kind::fetch ||
         kind == Kind::close_cursor;
}

bool transaction_after(const Statement& statement, bool before) {
  switch (statement.kind) {
    case Kind::begin: return true;
    case Kind::commit:
    case Kind::rollback:
    case Kind::prepare_transaction: return false;
    default: return before;
  }
}

std::string fingerprint_digits(std::uint64_t fingerprint) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, fingerprint);
  return digits;
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::empty: return "empty";
    case Kind::unparsed: return "unparsed";
    case Kind::select: return "select";
    case Kind::insert: return "insert";
    case Kind::update: return "update";
    case Kind::delete_: return "delete";
    case Kind::merge: return "merge";
    case Kind::explain: return "explain";
    case Kind::copy_in: return "copy_in";
    case Kind::copy_out: return "copy_out";
    case Kind::begin: return "begin";
    case Kind::commit: return "commit";
    case Kind::rollback: return "rollback";
    case Kind::savepoint: return "savepoint";
    case Kind::release: return "release";
    case Kind::rollback_to: return "rollback_to";
    case Kind::prepare_transaction: return "prepare_transaction";
    case Kind::set: return "set";
    case Kind::set_transaction: return "set_transaction";
    case Kind::reset: return "reset";
    case Kind::show: return "show";
    case Kind::discard: return "discard";
    case Kind::prepare: return "prepare";
    case Kind::execute: return "execute";
    case Kind::deallocate: return "deallocate";
    case Kind::declare_cursor: return "declare_cursor";
    case Kind::fetch: return "fetch";
    case Kind::close_cursor: return "close_cursor";
    case Kind::listen: return "listen";
    case Kind::unlisten: return "unlisten";
    case Kind::notify: return "notify";
    case Kind::lock: return "lock";
    case Kind::call: return "call";
    case Kind::do_: return "do";
    case Kind::utility: return "utility";
  }
  return "unknown";
}

}  // namespace pgswitch::rules
