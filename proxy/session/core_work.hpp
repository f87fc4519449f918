#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/frame.hpp"
#include "proxy/session/boxed.hpp"
#include "proxy/session/core_shell.hpp"
#include "proxy/session/gather.hpp"
#include "proxy/session/ledger.hpp"
#include "proxy/session/link.hpp"
#include "proxy/session/query_head.hpp"
#include "proxy/session/settings.hpp"

namespace pgswitch {

class CoreLoad;

/// What is under way in a SessionCore. An idle session has none and costs that much less memory: begin_work() makes it when something
/// happens, it goes with shrink().
struct SessionWork {
  /// Bytes that a client may leave unread before nothing more of what it sends is looked at.
  static constexpr std::size_t most_unread = 256 * 1024;
  /// Replies that may be owed before nothing more is sent: more than a server keeps to itself until it is asked.
  static constexpr std::size_t most_owed = 8192;

  Gather to_client;
  Gather to_server;
  Ledger ledger;
  QueryHead head;
  std::vector<DeferredStatement> deferred;      ///< BEGIN and what follows it, not sent yet
  std::vector<Action> releases;
  bool parsed = false;                ///< what was looked at last is a Parse of unnamed_ by SessionCore::parse_again()
  const PreparedStatement* bound = nullptr;  ///< unnamed_portal_, if it is like most (core_plain.cpp) and nothing else has come since
  std::string_view bound_name;        ///< of its statement, in the client's bytes; "" if it was unnamed
  PreparedStatementPtr renewed;       ///< the latest that current() or known_to() made
  std::vector<PreparedStatementPtr> preparing;  ///< what SQL PREPARE on its way makes
  std::unique_ptr<Link> spare_link;   ///< of the last lease, so that the next one allocates nothing
  std::shared_ptr<CoreLoad> load;     ///< COPY on a link of kind redshift
  Boxed<SessionSettings::Wish> wish;  ///< before the query string that is being answered, if that sets anything and may be split
};

inline protocol::ByteView body_of(const protocol::FrameHeader& header, protocol::ByteView in) {
  return in.substr(protocol::frame_header_size, header.body_size);
}

}  // namespace pgswitch
