#include "run.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "protocol/backend.hpp"
#include "protocol/frame.hpp"
#include "proxy/session/core_load.hpp"
#include "rules.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::script {

namespace {

CoreOptions with_default_route(CoreOptions options) {
  options.default_route = rules::intern_route("app");
  return options;
}

bool same_state(const Leftover& a, const Leftover& b) {
  return a.ready_expected == b.ready_expected && a.skip_bytes == b.skip_bytes && a.copy_in == b.copy_in && a.sync_needed == b.sync_needed &&
         a.in_transaction == b.in_transaction && a.reset_needed == b.reset_needed;
}

/// Bytes in memory of exactly their size.
struct Exact {
  explicit Exact(std::string_view from) : memory(new char[from.size()]), size(from.size()) { std::memcpy(memory.get(), from.data(), size); }
  std::string_view view() const { return {memory.get(), size}; }
  std::unique_ptr<char[]> memory;
  std::size_t size;
};

/// Calls `on_frame(type, body)` for the whole frames at the start of `bytes`, which are removed.
template <class OnFrame>
void take_frames(std::string& bytes, OnFrame on_frame) {
  protocol::FrameHeader header;
  std::size_t used = 0;
  while (read_header(std::string_view(bytes).substr(used), 0x7fffffff, header) == protocol::HeaderStatus::complete &&
         header.frame_size() <= bytes.size() - used) {
    on_frame(header.type, std::string_view(bytes).substr(used + protocol::frame_header_size, header.body_size));
    used += header.frame_size();
  }
  bytes.erase(0, used);
}

}  // namespace

class Run::UploadedPlace final : public copy::Place {
 public:
  explicit UploadedPlace(std::shared_ptr<Uploaded> to) : to_(std::move(to)) { ++to_->alive; }
  ~UploadedPlace() override { --to_->alive; }
  void add(std::string bytes, bool last) override {
    to_->bytes += bytes;
    to_->last = last;
  }
  bool has_room() const override { return true; }
  std::string name() const override { return "s3://b/k"; }
  std::uint64_t uploaded_bytes() const override { return to_->bytes.size(); }

 private:
  std::shared_ptr<Uploaded> to_;
};

Run::Run(const Start& start, How how)
    : start_(start), how_(how), storage_(start.spool), core_(with_default_route(start.options), facts_of_tests(), SessionSettings(TrackedCopy(start.tracked), start.base)) {
  core_.set_engine(engine());
  core_.set_sources(*this, storage_);
  gaps_ = start.gaps;
}

Run::Server& Run::server(const std::string& route) {
  if (!servers_.contains(route)) renew(route);
  return servers_.at(route);
}

void Run::renew(const std::string& route) {
  Server fresh;
  fresh.state.reported = TrackedCopy(start_.same_everywhere ? start_.tracked : start_.reported);
  fresh.state.settings = start_.left_by_others;
  if (start_.redshift.contains(route)) {
    fresh.state.kind = ServerKind::redshift;
    if (!start_.fallback.empty()) fresh.state.fallback = rules::intern_route(start_.fallback);
  }
  if (const auto old = servers_.find(route); old != servers_.end()) fresh.received = old->second.received;
  servers_.insert_or_assign(route, std::move(fresh));
}

void Run::fail(const std::string& why) {
  if (failure_.empty()) failure_ = why;
}

std::vector<std::string> Run::leased() const {
  std::vector<std::string> routes;
  for (const auto& [route, held] : servers_)
    if (held.is_leased) routes.push_back(route);
  return routes;
}

void Run::steps(const std::vector<Step>& all, std::size_t end, std::size_t partial) {
  for (std::size_t i = 0; i < end && failure_.empty(); ++i) {
    next_ = i + 1 < end ? &all[i + 1] : nullptr;
    const std::size_t cut = how_.cut_step == i ? std::min(how_.cut_at, all[i].bytes.size()) : 0;
    if (cut > 0) {
      give(all[i], 0, cut);
      give(all[i], cut, all[i].bytes.size());
    } else {
      step(all[i]);
    }
    if (!failure_.empty()) failure_ = "step " + std::to_string(i + 1) + ": " + failure_;
  }
  if (partial > 0 && failure_.empty()) give(all[end], 0, partial);
}

void Run::step(const Step& step) {
  switch (step.kind) {
    case Step::Kind::client:
    case Step::Kind::server:
    case Step::Kind::nonsense: give(step, 0, step.bytes.size()); return;
    case Step::Kind::acquire: {
      if (std::exchange(lent_, false)) return;
      if (wanted_ != step.route)
        return fail("no acquire of " + step.route + " but of " + wanted_.value_or("nothing") + "\nto the client:\n" + show(client_received_));
      wanted_.reset();
      core_.on_acquired(rules::intern_route(step.route), lend(step.route));
      return pump();
    }
    case Step::Kind::acquire_fails:
      if (wanted_ != step.route) return fail("no acquire of " + step.route);
      wanted_.reset();
      core_.on_acquire_failed(step.error);
      return pump();
    case Step::Kind::to_server: return compare(("to " + step.route).c_str(), step.bytes, server(step.route).received);
    case Step::Kind::to_client: return compare("to the client", step.bytes, client_received_);
    case Step::Kind::release: {
      if (releases_.empty() || releases_.front().first != step.route) return fail("no release of " + step.route);
      const Leftover left = releases_.front().second;
      if (left.unusable != step.leftover.unusable || (!left.unusable && !same_state(left, step.leftover)))
        fail("released in another state: reset " + std::to_string(left.reset_needed) + ", unusable " + std::to_string(left.unusable));
      releases_.erase(releases_.begin());
      return;
    }
    case Step::Kind::close:
      if (!closed_) fail("does not close");
      return;
    case Step::Kind::lost: return lose_server(step.route);
    case Step::Kind::new_server:
      if (server(step.route).is_leased) return fail("is leased");
      return renew(step.route);
    case Step::Kind::reload: {
      static const auto reloaded = new_engine(2);
      return core_.set_engine(*reloaded);
    }
    case Step::Kind::limit_passed:
      if (core_.limit_phase() != LimitPhase::running) return fail("nothing runs that is limited");
      core_.on_limit_passed();
      return pump();
    case Step::Kind::cancel:
      if (cancels_ == 0) return fail("no cancel request");
      --cancels_;
      return;
    case Step::Kind::uploaded: return compare("uploaded", step.bytes, uploaded_->bytes);
    case Step::Kind::check: return step.check(core_);
  }
}

void Run::give(const Step& step, std::size_t begin, std::size_t end) {
  nonsense_ |= step.kind == Step::Kind::nonsense;
  for (std::size_t i = begin; i < end && failure_.empty();) {
    const std::size_t size = std::min(how_.piece, end - i);
    const std::string_view part = std::string_view(step.bytes).substr(i, size);
    i += size;
    core_.set_now(++now_us_);
    if (step.kind == Step::Kind::client) {
      client_unread_ += part;
      ask(part);
      pump();
    } else if (step.kind == Step::Kind::server || step.kind == Step::Kind::nonsense) {
      if (!server(step.route).is_leased && nonsense_) return;
      if (!server(step.route).is_leased) return fail("the server of " + step.route + " is not leased");
      give_server(step.route, part);
    }
  }
}

/// What the core is asked. A large message counts from its header on, for it may be refused before it is whole.
void Run::ask(std::string_view bytes) {
  constexpr std::size_t large = 4096;
  protocol::FrameHeader header;
  client_asks_ += bytes;
  while (true) {
    const std::size_t passed = std::min(asks_rest_, client_asks_.size());
    client_asks_.erase(0, passed);
    asks_rest_ -= passed;
    if (read_header(client_asks_, 0x7fffffff, header) != protocol::HeaderStatus::complete) return;
    if (header.frame_size() > client_asks_.size() && header.frame_size() <= large) return;
    as_server_.sent(frame(header.type, header.frame_size() > large ? Bytes() : client_asks_.substr(5, header.body_size)));
    asks_rest_ = header.frame_size();
  }
}

void Run::give_server(const std::string& route, std::string_view bytes) {
  Server& from = server(route);
  from.unread += bytes;
  {
    const Exact buffer(from.unread);
    const std::size_t used = core_.on_server_bytes(rules::intern_route(route), buffer.view());
    if (used > buffer.size) return fail("used more than it was given");
    drain();
    if (!from.model.said(buffer.view().substr(0, used)) && !nonsense_)
      fail("this server would not say that now:\n" + show(buffer.view()));
    from.unread.erase(0, used);
  }
  pump();
}

void Run::pump() {
  bool progress = true;
  while (progress && failure_.empty()) {
    progress = feed_client();
    drain();
    progress |= act();
  }
  if (how_.cools && core_.is_idle() && core_.to_client().empty()) core_.shrink();
  check_replies(false);
}

bool Run::feed_client() {
  if (closed_ || client_unread_.empty() || !core_.wants_client()) return false;
  const Exact buffer(client_unread_);
  const std::size_t used = core_.on_client_bytes(buffer.view());
  if (used > buffer.size) return fail("used more than it was given"), false;
  const bool was_blocked = !core_.wants_client();
  drain();
  count_requests(client_unread_.substr(0, used));
  client_unread_.erase(0, used);
  return used > 0 || (was_blocked && core_.wants_client());
}

/// A request counts from its header on: a large one may be refused before it is whole.
void Run::count_requests(std::string_view bytes) {
  requests_ += bytes;
  protocol::FrameHeader header;
  while (request_rest_ > 0 || read_header(requests_, 0x7fffffff, header) == protocol::HeaderStatus::complete) {
    if (request_rest_ == 0) {
      request_rest_ = header.frame_size();
      asked_ += header.type == 'Q' || header.type == 'F' || header.type == 'S';
    }
    const std::size_t part = std::min(request_rest_, requests_.size());
    requests_.erase(0, part);
    request_rest_ -= part;
    if (request_rest_ > 0) return;
  }
}

bool Run::act() {
  if (closed_) return false;
  const Action action = core_.next();
  const std::string route = rules::route_name(action.route);
  switch (action.kind) {
    case Action::Kind::load:
      core_.load()->place_is_sought();
      core_.load()->on_place(std::make_unique<UploadedPlace>(uploaded_), "Null0");
      return true;
    case Action::Kind::need_more:
      if (upload()) return true;
      if (core_.limit_phase() != LimitPhase::delayed) return false;
      core_.on_limit_passed();
      return true;
    case Action::Kind::cancel:
      ++cancels_;
      core_.on_cancel_ended();
      return true;
    case Action::Kind::acquire:
      if (wanted_) fail("asks for a second lease while it waits");
      if (server(route).is_leased) fail("asks for " + route + ", which it holds");
      if (losing_) {
        core_.on_acquire_failed({protocol::Severity::error, "53300", "none left", "", "", 0});
        return true;
      }
      wanted_ = route;
      return true;
    case Action::Kind::release:
      if (core_.holds_replies()) fail("a release waits for replies that are held back");
      released(action);
      return true;
    case Action::Kind::close: closed_ = true; return false;
  }
  return false;
}

/// All of it has been added: it is complete, or fails. An object that no COPY needs any more must be gone.
bool Run::upload() {
  if (uploaded_->alive != (core_.load() && core_.load()->place() ? 1 : 0)) fail("an object outlives its COPY");
  if (!std::exchange(uploaded_->last, false) || !core_.load()) return false;
  if (start_.upload_error.empty())
    core_.load()->on_uploaded({"s3://b/k", "r", "role", "", "", "", true});
  else
    core_.load()->fail({protocol::Severity::error, "58030", start_.upload_error, "", "", 0});
  return true;
}

void Run::drain() {
  const auto write = [&](Gather& gather, auto take) {
    while (!gather.empty()) {
      std::array<iovec, 3> pieces;
      const int count = gather.pieces(pieces.data(), static_cast<int>(pieces.size()));
      std::size_t left = how_.write, total = 0;
      for (int i = 0; i < count && left > 0; ++i) {
        const std::size_t size = std::min(left, pieces[static_cast<std::size_t>(i)].iov_len);
        take(std::string_view(static_cast<const char*>(pieces[static_cast<std::size_t>(i)].iov_base), size));
        left -= size;
        total += size;
      }
      if (total == 0) return fail("an empty piece");
      gather.written(total);
    }
  };
  write(core_.to_client(), [&](std::string_view bytes) { written_to_client(bytes); });
  if (core_.to_server().empty()) return;
  const std::string route = rules::route_name(core_.active_route());
  if (route.empty() || !server(route).is_leased) {
    fail("bytes for no server:\n" + show(core_.to_server().text()));
    return core_.to_server().clear();
  }
  Server& to = server(route);
  write(core_.to_server(), [&](std::string_view bytes) {
    to.received += bytes;
    to.model.sent(bytes);
  });
}

void Run::written_to_client(std::string_view bytes) {
  if (closed_) fail("writes after the end");
  client_received_ += bytes;
  client_frames_ += bytes;
  if (!as_server_.said(bytes) && !nonsense_ && !as_server_.misused()) fail("no server would answer so, to the client:\n" + show(client_received_));
  take_frames(client_frames_, [this](char type, std::string_view body) {
    answered_ += type == 'Z';
    gaps_ |= type == 'G';
    if (rows_ && !nonsense_) check_rows(type, body);
  });
}

void Run::check_rows(char type, std::string_view body) {
  namespace backend = protocol::backend;
  constexpr std::size_t value_at = 6;
  if (type == backend::data_row && ++rows_->count > 0 && rows_->in_order) {
    const std::string value(body.substr(std::min(body.size(), value_at)));
    const std::uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (number >= first_row && number <= std::exchange(rows_->last, number)) fail("row " + value + " comes twice or too late, to the client:\n" + show(client_received_));
  }
  if (type == backend::command_complete) {
    const std::string tag(body.substr(0, body.find('\0')));
    if (tag.starts_with("SELECT ") && tag != "SELECT " + std::to_string(rows_->count))
      fail(std::to_string(rows_->count) + " rows but " + tag + ", to the client:\n" + show(client_received_));
  }
  if (std::string_view("CEIsZ").find(type) != std::string_view::npos) rows_->count = 0;
}

void Run::check_replies(bool all) {
  // A request that may be asked of two servers is taken when it has been answered.
  if (answered_ > asked_ && !closed_) fail("more ReadyForQuery (" + std::to_string(answered_) + ") than requests (" + std::to_string(asked_) + ")");
  if (all && !closed_ && !gaps_ && answered_ < asked_)
    fail("fewer ReadyForQuery (" + std::to_string(answered_) + ") than requests (" + std::to_string(asked_) + "); to the client:\n" +
         show(client_received_));
}

void Run::check_all_answered() {
  if (closed_ || nonsense_ || as_server_.misused() || as_server_.asked() == '\0') return;
  fail(std::string("never answers message ") + as_server_.asked() + ", to the client:\n" + show(client_received_));
}

void Run::compare(const char* what, std::string_view expected, std::string& actual) {
  if (!same(expected, actual)) fail(std::string(what) + ", expected:\n" + show(expected) + "but was:\n" + show(actual));
  actual.clear();
}

}  // namespace pgswitch::script
