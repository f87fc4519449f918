#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/copy/client_copy.hpp"
#include "proxy/copy/place.hpp"
#include "proxy/session/link.hpp"
#include "proxy/session/query_head.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

class SessionCore;

/// COPY between the client and a link of kind redshift, which has no such thing. While there is one it is all that the session does: it
/// takes the frames of the client, and what the server answers to its queries, which the ledger has as swallowed ones. Made by the
/// SessionCore, in its Work; what it needs of the shell it says by Action::Kind::load.
class CoreLoad {
 public:
  enum class Begun : std::uint8_t {
    not_ours,  ///< no COPY of the client's: runs as it is
    waits,     ///< for replies
    refused,   ///< refusal_ says why
    yes,
  };
  /// The statement `text`, as the rules left it, is to run on `link`. `extended`: by an Execute. `before`: characters of the client's text
  /// that stand before it.
  static Begun begin(SessionCore& core, const Link& link, std::string_view text, const rules::ScriptItem& item, bool extended, std::uint32_t before = 0);

  CoreLoad(SessionCore& core, copy::ClientCopy copy, bool extended, std::uint32_t position, std::uint64_t most_rows);

  /// Why an ordinary statement cannot run on Redshift under the client's encoding; nullopt: it can.
  static std::optional<protocol::SqlError> object_to_encoding(const SessionCore& core);
  /// The statement has no rows, and its text, which server_text() looks at, is ASCII or that of a COPY, which is converted.
  static bool is_in_any_encoding(const rules::Statement& statement);

  // core_load_string.cpp: in a query string, the items of which that are meant begin with the head's next one
  /// The first COPY between the client and the server; `end`: there is none.
  static std::size_t find(const SessionCore& core, std::size_t begin, std::size_t end, std::string_view text);
  /// Begins the COPY that the string has come to; the items up to `end` run on its server. False: it waits, or refusal_.
  static bool begin_in_string(SessionCore& core, const Link& link, std::size_t end, std::string_view text);

  // The shell.
  /// A place for the data is asked for: on_place() or fail() answers it, now or later.
  bool wants_place() const { return wants_place_; }
  void place_is_sought() { wants_place_ = false; }
  /// `null`: letters and digits by chance.
  void on_place(std::unique_ptr<copy::Place> place, std::string null);
  copy::Place* place() const { return place_.get(); }
  /// More of the client's data can be taken.
  void on_room();
  void on_uploaded(copy::Source source);
  /// Ends it. Not while the server runs something.
  void fail(protocol::SqlError error);
  /// The client has asked to cancel it. False: the server has to be asked.
  bool cancel(protocol::SqlError error);
  /// It has taken as long as it may. False: the server has to be asked.
  bool on_timeout() { return cancel(too_late()); }
  const copy::ClientCopy& copy() const { return copy_; }

  // The core.
  std::size_t on_client_frame(const protocol::FrameHeader& header, protocol::ByteView in);
  void on_client_data(protocol::ByteView data);
  /// Bytes taken; 0: the frame has to be whole.
  std::size_t on_server_frame(const protocol::FrameHeader& header, protocol::ByteView in);
  void on_lost(const protocol::SqlError& error, bool in_transaction);

 private:
  /// What stands behind it in its query string, from head.next on.
  struct Rest {
    QueryHead head;
    std::string text;
  };
  static std::optional<protocol::SqlError> refuse_rest(const SessionCore& core, std::size_t end, std::string_view text);
  static void run_rest(SessionCore& core, Rest rest);
  void limit(const rules::ScriptItem& item);
  void take(copy::Step step);
  void send(std::string_view text);
  void succeed(std::string_view tag);
  void upload();
  void end_data(protocol::ByteView body);
  void end_stall();
  protocol::SqlError too_late() const;

  SessionCore& core_;
  copy::ClientCopy copy_;
  std::unique_ptr<copy::Place> place_;
  std::unique_ptr<Rest> rest_;
  const copy::ClientEncoding* told_in_ = nullptr;  ///< the client's, if that is not UTF-8
  bool extended_;
  bool wants_place_ = false;
  bool in_transaction_ = false;
  bool by_setting_ = false;        ///< the time that it may take is statement_timeout
  std::uint32_t position_ = 0;     ///< characters of the client's text before its query
  std::uint64_t most_rows_ = 0;    ///< that a rule lets COPY TO have; 0: any number
};

}  // namespace pgswitch
