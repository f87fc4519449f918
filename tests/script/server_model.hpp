#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace pgswitch::script {

/// What a PostgreSQL server has been asked and has not answered yet: the oracle that a core's Leftover is held against,
/// and a check that a script's server says only what a server could say (manual, 55.2.3 and 55.2.6).
class ServerModel {
 public:
  /// Bytes were written to the server.
  void sent(std::string_view bytes);
  /// Bytes of the server were taken by the proxy. False: no server would say that now.
  bool said(std::string_view bytes);

  /// Type of the oldest message that it has not answered in full; NUL when there is none.
  char asked() const { return asked_.empty() ? '\0' : asked_.front(); }
  /// That message runs a COPY FROM STDIN.
  bool asked_to_copy() const { return !asked_.empty() && asked_.front().run.copies; }
  /// What its statements do to the transaction: one letter each, b(egin), e(nd), s(avepoint to go back to), and '-' for nothing.
  std::string_view asked_effects() const { return asked_.empty() ? std::string_view() : std::string_view(asked_.front().run.effects); }
  /// The status that it works in: 'I', 'T' or 'E'.
  char status_before() const { return transaction_; }
  /// What the ReadyForQuery says that comes next: of a server that does what it is asked.
  char status_then() const;
  /// The transaction has failed, and the oldest message does not end it.
  bool refuses() const;
  /// Rows that it has said in the answer that it gives.
  std::uint64_t rows() const { return rows_; }
  /// How many messages it has not answered in full, data of a COPY not counted.
  std::size_t waiting() const;
  /// ReadyForQuery still to come for what was sent.
  std::uint32_t ready_expected() const;
  /// Something was sent that only a Sync ends.
  bool open() const { return open_; }
  /// It waits for CopyData.
  bool copying() const { return copying_; }
  /// Something else than data was sent during a COPY: what that is answered depends on when it arrived. Or a COPY with Syncs among
  /// its data has failed by one of them: what these are answered depends on which.
  bool misused() const { return misused_; }
  /// Its answer to a query was an error: the ReadyForQuery is all that is left of it.
  bool failed() const { return failed_; }
  /// 'I', 'T' or 'E' of the last ReadyForQuery.
  char status() const { return status_; }
  /// Bytes missing of the frame that is being read from it.
  std::uint64_t rest_said() const { return rest(said_); }
  /// A frame to it was begun and not ended.
  bool half_sent() const { return !sent_.empty(); }
  bool is_quiet() const { return asked_.empty() && !open_ && !copying_ && status_ == 'I' && sent_.empty() && said_.empty(); }
  /// The unnamed statement that it has: what its Parse said behind the name; nullopt: none.
  const std::optional<std::string>& unnamed() const { return unnamed_; }
  /// The same of all that were sent.
  const std::set<std::string, std::less<>>& parsed_unnamed() const { return parsed_unnamed_; }
  /// Syncs that it ignored, being in COPY.
  std::uint32_t syncs_ignored() const { return syncs_ignored_; }

 private:
  struct Statements {
    bool copies = false;  ///< from STDIN
    std::string effects;  ///< see asked_effects()
  };
  struct Asked {
    explicit Asked(char what) : type(what) {}
    Asked(char what, Statements what_it_runs) : type(what), run(std::move(what_it_runs)) {}
    operator char() const { return type; }
    char type;
    Statements run;
    std::string unnamed;  ///< of a Parse or a Close of the unnamed statement: what is behind its name, "-" if nothing is
    bool before_data = false;  ///< a Sync with CopyData behind it
  };
  static Statements read(std::string_view text);
  static std::uint64_t rest(std::string_view bytes);
  static std::string unnamed_in(char type, std::string_view body);
  void on_sent(char type, std::string_view body);
  Statements run_by(char type, std::string_view body);
  bool on_said(char type, std::string_view body);
  bool pop(std::string_view types);
  void begin_copy();
  void note_in_copy(char type);
  void end_failed_copy(std::string_view sqlstate);
  void skip_to_sync();

  std::string sent_, said_;   ///< incomplete frames
  std::deque<Asked> asked_;   ///< what was sent and not answered
  std::map<std::string, Statements, std::less<>> statements_, portals_;  ///< as they were last sent
  std::optional<std::string> unnamed_;
  std::set<std::string, std::less<>> parsed_unnamed_;
  char transaction_ = 'I';    ///< as status_, before the ReadyForQuery
  bool open_ = false;
  bool skipping_ = false;     ///< after an error, until Sync
  bool copying_ = false;
  bool in_copy_ = false;      ///< the COPY has begun, and is not answered
  std::uint32_t copy_syncs_ = 0;  ///< Syncs that came behind the last data of the running COPY, before its end
  bool data_behind_sync_ = false;
  bool misused_ = false;
  bool failed_ = false;
  bool answered_ = false;     ///< the query that it works on has had an answer
  std::uint64_t rows_ = 0;
  char status_ = 'I';
  std::uint32_t syncs_ignored_ = 0;
};

}  // namespace pgswitch::script
