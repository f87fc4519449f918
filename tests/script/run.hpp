#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proxy/session/core.hpp"
#include "memory_storage.hpp"
#include "server_model.hpp"
#include "step.hpp"

namespace pgswitch::script {

/// One run of a script: a shell of SessionCore without sockets. It gives bytes in buffers of their exact size, which it
/// frees at once (an address sanitizer sees every range that outlives them), writes as few bytes at a time as it is told,
/// performs the actions and holds what the core does against ServerModel: what is asked of the servers, and what is answered
/// to the client, for which the core is a server itself.
class Run : private LeaseSource {
 public:
  /// Whether a lease is there at once: no, if the next step is that it is got, or whenever it is wanted.
  enum class Lends { never, expected, always };
  struct How {
    std::size_t piece = static_cast<std::size_t>(-1);  ///< bytes given at once
    std::size_t write = static_cast<std::size_t>(-1);  ///< bytes written at once
    std::size_t cut_step = static_cast<std::size_t>(-1);  ///< this step's bytes are given in two pieces,
    std::size_t cut_at = 0;                               ///< the first of this size
    bool cools = false;                                   ///< memory is given back wherever the session is idle
    Lends lends = Lends::never;
  };
  Run(const Start& start, How how);

  /// Performs steps until `end`, of which it gives the first `partial` bytes.
  void steps(const std::vector<Step>& steps, std::size_t end, std::size_t partial = 0);
  /// Nothing may be left over.
  void finish();

  // What may happen at any time.
  void lose_client();
  void lose_server(const std::string& route);
  /// The server of `route` is lost, then every other, and no lease is to be had any more; the client goes on.
  void lose_everything(const std::string& first);
  void end_session();
  std::vector<std::string> leased() const;
  /// The route that the core waits for.
  const std::optional<std::string>& wanted() const { return wanted_; }
  const ServerModel& model(const std::string& route) { return server(route).model; }
  /// The client has sent no half of a message, and no server nonsense.
  bool makes_sense() const { return !nonsense_ && client_asks_.empty() && asks_rest_ == 0; }
  /// Everything that the client has asked must have been answered.
  void check_all_answered();
  bool is_closed() const { return closed_; }
  /// Requests may go without a ReadyForQuery from now on (what an error skips until Sync, Syncs during COPY).
  void expect_gaps() { gaps_ = true; }
  /// Servers number their rows, from first_row on, and tell in the tag how many an answer has: so must what the client gets. `in_order`:
  /// it gets rows as they were said, none twice.
  static constexpr std::uint64_t first_row = 100;
  void expect_rows(bool in_order) { rows_ = RowCheck{in_order, 0, 0}; }
  /// A statement runs whose time a rule limits.
  bool is_limited() const { return !closed_ && core_.limit_phase() == LimitPhase::running; }

  const std::string& failure() const { return failure_; }

 private:
  struct Server {
    ServerState state;
    ServerModel model;
    bool is_leased = false;
    std::string unread, received;  ///< bytes not taken by the core; bytes written since the last expectation
  };

  /// See expect_rows().
  struct RowCheck {
    bool in_order = false;
    std::uint64_t last = 0, count = 0;
  };

  /// What a COPY on a Redshift server has uploaded.
  struct Uploaded {
    std::string bytes;
    bool last = false;
    int alive = 0;
  };
  class UploadedPlace;
  ServerState* lease_now(rules::RouteId route) override;
  ServerState& lend(const std::string& route);
  void step(const Step& step);
  bool upload();
  void give(const Step& step, std::size_t begin, std::size_t end);
  void give_server(const std::string& route, std::string_view bytes);
  void ask(std::string_view bytes);
  void pump();
  bool feed_client();
  void count_requests(std::string_view bytes);
  bool act();
  void drain();
  void written_to_client(std::string_view bytes);
  void check_rows(char type, std::string_view body);
  void released(const Action& action);
  void check_unnamed(const std::string& route);
  void check_leftover(const std::string& route, const Leftover& left);
  void check_replies(bool all);
  Server& server(const std::string& route);
  void renew(const std::string& route);
  void compare(const char* what, std::string_view expected, std::string& actual);
  void fail(const std::string& why);

  Start start_;
  How how_;
  MemoryStorage storage_;
  std::shared_ptr<Uploaded> uploaded_ = std::make_shared<Uploaded>();
  SessionCore core_;
  std::map<std::string, Server> servers_;
  ServerModel as_server_;                  ///< what the client sees of the core must be what a server may say
  std::string client_asks_;                ///< what of the client as_server_ has not been told yet
  std::size_t asks_rest_ = 0;              ///< bytes of the last message that it has been told still to come
  std::string client_unread_, client_received_, client_frames_, requests_;
  std::optional<std::string> wanted_;      ///< the acquire action that is out
  const Step* next_ = nullptr;             ///< the step behind this one
  bool lent_ = false;                      ///< it is an acquire, which has happened already
  std::vector<std::pair<std::string, Leftover>> releases_;
  std::size_t cancels_ = 0;                ///< cancel requests sent and not expected yet
  bool closed_ = false;
  bool gaps_ = false;                      ///< requests may go unanswered: a COPY FROM STDIN was seen
  std::int64_t now_us_ = 1;                ///< goes on with all that is given
  bool nonsense_ = false;                  ///< a server said what none would
  bool losing_ = false;                    ///< every acquire fails
  std::optional<RowCheck> rows_;
  std::size_t request_rest_ = 0;           ///< bytes of the last request not taken yet
  std::size_t asked_ = 0, answered_ = 0;   ///< requests that await a ReadyForQuery; ReadyForQuery that came
  std::string failure_;
};

/// Everything that is done with a script; the first failure, or "".
std::string run_everything(const Start& start, const std::vector<Step>& steps);

}  // namespace pgswitch::script
