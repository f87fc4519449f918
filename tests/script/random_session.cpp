#include "random_session.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "run.hpp"

namespace pgswitch::script {

namespace {

constexpr std::array<std::string_view, 66> statements{
    "select 1", "select * from b_t", "begin", "commit", "rollback", "insert into t values (1)", "insert into b_t values (1)",
    "set search_path to a", "select * from forbidden", "select * from told", "select x from old", "copy t from stdin",
    "copy b_t to stdout", "savepoint a", "rollback to a", "discard all", "deallocate all", "deallocate s", "listen ch",
    "unlisten *", "create temp table tt (a int)", "select * from tt", "select 1; select * from b_t", "begin; select 1; commit",
    "select 1; select * from told; select 3", "", "prepare p as select 1", "execute p", "reset all", "set datestyle to german",
    "select pg_advisory_lock(1)", "commit and chain", "begin; select 1", "set transaction read only",
    "close all", "declare s cursor with hold for select 1", "fetch 1 from s", "commit; begin",
    "show work_mem", "set lock_timeout = 1", "savepoint b; rollback to b; release b", "begin read only", "set query_group = 'x'; unlisten *",
    "set standard_conforming_strings = off", "declare c cursor for select 1", "fetch 1 from c", "fetch all from c", "move backward all in c", "close c",
    "begin; declare c scroll cursor for select 1; fetch 2 from c", "declare d binary cursor with hold for select 1", "fetch first from d",
    "begin; declare c no scroll cursor for select 1", "fetch c; select 1", "select 1; set transaction read only; insert into t values (1)",
    "select now() from takes_over", "select * from few", "select * from brief", "select * from later", "select * from calm", "select * from stays",
    "begin; select * from few", "prepare p as select * from few", "declare c cursor for select * from few", "select * from edited", "copy few to stdout"};
/// What clients and servers begin messages with, and some that neither does.
constexpr std::string_view client_types = "QPBEDCSHFdcfpX!", server_types = "12CDEGHIKnNRsStTVWZ3Acd?";
constexpr std::array<std::string_view, 3> names{"", "s", "t"};

class Choices {
 public:
  explicit Choices(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::size_t below(std::size_t limit) {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    return value % limit;
  }
  template <class List>
  auto of(const List& list) { return list[below(list.size())]; }
  Bytes some_bytes() {
    const std::size_t most = below(40);
    const Bytes taken(rest_.substr(0, most));
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

/// A whole message whose body nobody has made with care.
Bytes malformed(Choices& choose, std::string_view types) {
  const char type = choose.of(types);
  return frame(type, choose.some_bytes());
}

Bytes whole_batch(Choices& choose) {
  const auto name = choose.of(names), portal = choose.of(names);
  const Bytes parsed = choose.below(4) == 0 ? Bytes() : parse(name, choose.of(statements));
  return parsed + bind_to(portal, name) + execute(portal) + (choose.below(2) == 0 ? sync() : Bytes());
}

/// A cursor is declared and read, or a portal by and by.
Bytes rows_in_pieces(Choices& choose) {
  const auto portal = choose.of(names);
  const auto rows = static_cast<std::uint32_t>(choose.below(3));
  switch (choose.below(4)) {
    case 0: return query(choose.below(2) ? "begin; declare c cursor for select 1" : "declare d cursor with hold for select 1") + query("fetch 1 from c");
    case 1: return query("begin") + parse("", "select 1") + bind_to(portal, "") + execute(portal, 1 + rows) + sync() + execute(portal, 1) + sync();
    case 2: return parse("", "fetch all from c") + bind_to(portal, "", {}, {1}) + describe_portal(portal) + execute(portal, rows) + execute(portal, rows) + sync();
    default: return execute(portal, 1 + rows) + (choose.below(2) ? sync() : flush());
  }
}

Bytes request(Choices& choose) {
  switch (choose.below(20)) {
    case 0:
    case 1: return query(choose.of(statements));
    case 2:
    case 3: { const auto name = choose.of(names); return parse(name, choose.of(statements)); }
    case 4:
    case 5: { const auto portal = choose.of(names); return bind_to(portal, choose.of(names)); }
    case 6: return execute(choose.of(names));
    case 7: return execute(choose.of(names), 1);
    case 8: return describe_statement(choose.of(names));
    case 9: return describe_portal(choose.of(names));
    case 10: return close_statement(choose.of(names));
    case 11: return flush();
    case 12: return copy_data("1\n");
    case 13: return choose.below(4) == 0 ? copy_fail("no") : copy_done();
    case 15: return whole_batch(choose);
    case 16: return rows_in_pieces(choose);
    case 14: return choose.below(4) == 0 ? function_call("x") : close_portal(choose.of(names));
    default: return sync();
  }
}

/// Redshift's has no count.
std::string tag_of(const ServerModel& server, bool is_redshift) {
  const std::string_view effects = server.asked_effects();
  if (effects == "b") return "BEGIN";
  if (effects == "e") return server.status_before() == 'E' ? "ROLLBACK" : "COMMIT";
  return is_redshift ? "SELECT" : "SELECT " + std::to_string(server.rows());
}

/// Something a server could say now. A PostgreSQL server is in a transaction or not as it likes, one of kind redshift as it has been
/// asked, for what its portals have left depends on that; and it is sent no row limits.
Bytes answer(const ServerModel& server, Choices& choose, bool is_redshift, std::uint64_t& last_row) {
  const std::size_t how = choose.below(16);
  if (how == 0) return notice("by the way");
  if (how == 1) return parameter_status("DateStyle", choose.below(2) ? "German, DMY" : "ISO, MDY");
  if (server.asked() == '\0') return how == 2 ? notification("ch") : Bytes{};
  const char status = choose.of(std::array{'I', 'I', 'T', 'E'});
  const Bytes ready_now = ready(is_redshift ? server.status_then() : status);
  if (server.failed()) return ready_now;
  if (is_redshift && server.refuses()) return error("25P02");
  const bool errs = how == 3;
  if (errs && choose.below(4) == 0 && !server.copying() && server.asked() != 'S' && server.asked() != 'C') return leader_node_refusal();
  if (server.copying()) return errs ? error("22P02") : Bytes{};
  static constexpr std::array<std::string_view, 4> tags{"SELECT", "ROLLBACK", "COMMIT", "BEGIN"};
  switch (server.asked()) {
    case 'P': return errs ? error("42601") : parse_complete();
    case 'B': return errs ? error(choose.below(2) ? "0A000" : "26000") : bind_complete();
    case 'C': return close_complete();
    case 'D': return errs ? error("42P01") : choose.below(2) ? parameter_description() + no_data() : row_description();
    case 'S': return ready_now;
    case 'F': return (errs ? error("42883") : function_result()) + ready_now;
    default: break;
  }
  if (errs) return error(choose.below(2) ? "22012" : "57014");
  const auto next_row = [&] { return data_row(std::to_string(++last_row)); };
  if (how < 6) return next_row();
  if (how == 6 && server.waiting() == 1 && server.asked_to_copy()) return copy_in_response();
  if (how == 7) return server.asked() != 'E' ? row_description() : is_redshift ? next_row() : portal_suspended();
  const std::string_view tag = choose.of(tags);
  const Bytes done = complete(is_redshift || tag == "SELECT" ? tag_of(server, is_redshift) : tag);
  return server.asked() == 'E' ? done : done + ready_now;
}

/// What it says when all goes well.
Bytes good_answer(const ServerModel& server, bool is_redshift) {
  if (server.refuses()) return error("25P02");
  const Bytes ready_now = ready(server.status_then());
  switch (server.asked()) {
    case 'P': return parse_complete();
    case 'B': return bind_complete();
    case 'C': return close_complete();
    case 'D': return no_data();
    case 'E': return complete(tag_of(server, is_redshift));
    case 'F': return (server.failed() ? Bytes() : function_result()) + ready_now;
    case 'Q': return (server.failed() ? Bytes() : complete(tag_of(server, is_redshift))) + ready_now;
    default: return ready_now;
  }
}

Start start_of(Choices& choose) {
  Start start;
  start.options.mode = choose.of(std::array{CoreOptions::Mode::transaction, CoreOptions::Mode::session, CoreOptions::Mode::statement});
  start.options.defer_begin = choose.below(3) != 0;
  start.options.conflict_is_error = choose.below(2) != 0;
  start.options.max_prepared_statements = static_cast<std::uint32_t>(choose.below(3));
  const std::size_t kinds = choose.below(6);
  if (kinds < 2) start.redshift = {"app"};
  if (kinds == 0) start.fallback = "b";
  return start;
}

Step made(Step::Kind kind, std::string route, Bytes bytes) {
  Step step{};
  step.kind = kind;
  step.route = std::move(route);
  step.bytes = std::move(bytes);
  return step;
}

/// The next thing that happens.
Step next(Run& run, Choices& choose, const Start& start, std::uint64_t& last_row) {
  const std::size_t what = choose.below(32);
  if (run.is_limited() && what == 29) return made(Step::Kind::limit_passed, "", {});
  if (run.wanted() && what < 16) {
    Step step = made(what == 0 ? Step::Kind::acquire_fails : Step::Kind::acquire, *run.wanted(), {});
    step.error = {choose.below(8) == 0 ? protocol::Severity::fatal : protocol::Severity::error, "53300", "none left", "", "", 0};
    return step;
  }
  const std::vector<std::string> leased = run.leased();
  if (leased.empty() || what < 14) {
    const std::size_t bad = what == 1 ? choose.below(8) : 2;
    return made(Step::Kind::client, "", bad == 0 ? choose.some_bytes() : bad == 1 ? malformed(choose, client_types) : request(choose));
  }
  const std::string& route = leased[choose.below(leased.size())];
  if (what == 31 && choose.below(4) == 0) return made(Step::Kind::lost, route, {});
  const std::size_t bad = what == 30 ? choose.below(8) : 2;
  if (bad < 2) return made(Step::Kind::nonsense, route, bad == 0 ? choose.some_bytes() : malformed(choose, server_types));
  return made(Step::Kind::server, route, answer(run.model(route), choose, start.redshift.contains(route), last_row));
}

/// What happens when the client ends what it has begun and all goes well; nothing at the end of all.
std::optional<Step> next_to_the_end(Run& run, const Start& start) {
  if (run.wanted()) return made(Step::Kind::acquire, *run.wanted(), {});
  for (const std::string& route : run.leased())
    if (const ServerModel& server = run.model(route); server.asked() != '\0' && !server.copying())
      return made(Step::Kind::server, route, good_answer(server, start.redshift.contains(route)));
  return std::nullopt;
}

std::string tell(const Start& start) {
  static constexpr std::array<const char*, 3> modes{"session", "transaction", "statement"};
  return std::string(modes[static_cast<std::size_t>(start.options.mode)]) + " pooling" + (start.options.defer_begin ? ", BEGIN deferred" : "") +
         (start.options.conflict_is_error ? ", another route is an error" : "") + (start.redshift.empty() ? "" : ", app is Redshift") +
         (start.fallback.empty() ? "" : ", b takes over") + "\n";
}

std::string tell(const Step& step) {
  switch (step.kind) {
    case Step::Kind::client: return "client\n" + show(step.bytes);
    case Step::Kind::acquire: return "gets " + step.route + "\n";
    case Step::Kind::acquire_fails: return "does not get " + step.route + "\n";
    case Step::Kind::lost: return "loses " + step.route + "\n";
    case Step::Kind::limit_passed: return "the time is over\n";
    default: return step.route + "\n" + show(step.bytes);
  }
}

/// The client ends what it has begun, and is answered all of it.
void end_well(Run& run, const Start& start, std::string* story) {
  constexpr int most = 10'000;
  std::optional<Step> step = made(Step::Kind::client, "", copy_done() + sync());
  for (int turn = 0; step && turn < most && !run.is_closed() && run.failure().empty(); ++turn) {
    if (story) *story += tell(*step);
    run.steps({*step}, 1);
    step = next_to_the_end(run, start);
  }
  if (run.failure().empty()) run.check_all_answered();
}

}  // namespace

std::string random_session(std::string_view choices, std::string* story) {
  Choices choose(choices);
  const Start start = start_of(choose);
  Run::How how;
  how.piece = choose.below(2) ? 1 + choose.below(9) : how.piece;
  how.write = choose.below(2) ? 1 + choose.below(9) : how.write;
  how.cools = start.options.defer_begin;
  how.lends = start.options.conflict_is_error ? Run::Lends::always : Run::Lends::never;
  const bool ends_session = choose.below(4) == 0;
  std::uint64_t last_row = Run::first_row - 1;
  Run run(start, how);
  run.expect_gaps();
  run.expect_rows(start.redshift.empty());
  if (story) *story += tell(start);
  while (!choose.empty() && !run.is_closed() && run.failure().empty()) {
    const Step step = next(run, choose, start, last_row);
    if (story) *story += tell(step);
    run.steps({step}, 1);
  }
  if (ends_session && run.failure().empty()) return run.end_session(), run.failure();
  if (run.makes_sense()) end_well(run, start, story);
  run.lose_client();
  const std::vector<std::string> leased = run.leased();
  if (!leased.empty() && run.failure().empty()) run.lose_everything(leased.front());
  return run.failure();
}

}  // namespace pgswitch::script
