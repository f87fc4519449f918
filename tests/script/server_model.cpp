#include "server_model.hpp"

#include <algorithm>
#include <utility>

#include "protocol/backend.hpp"
#include "protocol/frame.hpp"

namespace pgswitch::script {

namespace {

/// Calls `on_frame(type, body)` for every whole frame and removes it.
template <class OnFrame>
bool each_frame(std::string& bytes, OnFrame on_frame) {
  protocol::FrameHeader header;
  while (read_header(bytes, 0x7fffffff, header) == protocol::HeaderStatus::complete && header.frame_size() <= bytes.size()) {
    const std::string body = bytes.substr(protocol::frame_header_size, header.body_size);
    bytes.erase(0, header.frame_size());
    if (!on_frame(header.type, body)) return false;
  }
  return true;
}

/// Of a COPY: data, or their end.
bool is_data(char type) { return type == 'd' || type == 'c' || type == 'f'; }

/// What may come at any time.
bool goes_between(char type) {
  namespace backend = protocol::backend;
  return type == backend::notice_response || type == backend::notification_response || type == backend::parameter_status;
}

}  // namespace

std::uint64_t ServerModel::rest(std::string_view bytes) {
  protocol::FrameHeader header;
  if (read_header(bytes, 0x7fffffff, header) != protocol::HeaderStatus::complete) return 0;
  return header.frame_size() - bytes.size();
}

void ServerModel::sent(std::string_view bytes) {
  sent_ += bytes;
  each_frame(sent_, [this](char type, const std::string& body) { return on_sent(type, body), true; });
}

bool ServerModel::said(std::string_view bytes) {
  said_ += bytes;
  return each_frame(said_, [this](char type, const std::string& body) { return on_said(type, body); });
}

ServerModel::Statements ServerModel::read(std::string_view text) {
  Statements run;
  run.copies = text.find("copy ") != text.npos && text.find("from stdin") != text.npos;
  while (!text.empty()) {
    std::string_view one = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    one.remove_prefix(std::min(one.size(), one.find_first_not_of(' ')));
    const bool chains = one.find("and chain") != one.npos;
    const bool ends = one.starts_with("commit") || one.starts_with("rollback");
    run.effects += one.starts_with("rollback to") ? 's' : one.starts_with("begin") || chains ? 'b' : ends ? 'e' : '-';
  }
  return run;
}

/// The names in it are noted.
ServerModel::Statements ServerModel::run_by(char type, std::string_view body) {
  const auto string = [&body] {
    const std::string taken(body.substr(0, body.find('\0')));
    body.remove_prefix(std::min(body.size(), taken.size() + 1));
    return taken;
  };
  const std::string first = string();
  if (type == 'Q') return read(first);
  if (type == 'E') return portals_[first];
  if (type == 'P') statements_[first] = read(string());
  if (type == 'B') portals_[first] = statements_[string()];
  return {};
}

std::string ServerModel::unnamed_in(char type, std::string_view body) {
  if (type == 'P' && body.starts_with('\0')) return std::string(body.substr(1));
  return type == 'C' && body == std::string_view("S\0", 2) ? "-" : "";
}

bool ServerModel::refuses() const {
  const bool runs = !asked_.empty() && (asked_.front() == 'Q' || asked_.front() == 'E');
  return transaction_ == 'E' && runs && !failed_ && asked_effects().find_first_of("es") != 0;
}

char ServerModel::status_then() const {
  char status = transaction_;
  if (failed_) return status == 'I' && asked_effects().find('b') == std::string_view::npos ? 'I' : 'E';
  for (const char effect : asked_effects()) {
    if (effect == 'b' || (effect == 's' && status == 'E')) status = 'T';
    if (effect == 'e') status = 'I';
  }
  return status;
}

void ServerModel::on_sent(char type, std::string_view body) {
  Statements run = run_by(type, body);
  if (type == 'X') return;
  if (copying_) {
    syncs_ignored_ += type == 'S';
    note_in_copy(type);
    if (type == 'c' || type == 'f') copying_ = false;
    if (type == 'S' || type == 'H' || is_data(type)) return;
    misused_ = true;
  }
  if (type == 'S') skipping_ = open_ = false;
  const bool wrong = type == 'H' && !body.empty();  // an error until Sync, as of the extended query's other messages
  if (type == 'P' || type == 'B' || type == 'D' || type == 'E' || type == 'C' || wrong) open_ = true;
  if (skipping_) return;
  if (type == 'Q' || type == 'F') open_ = false;
  const bool ignored = (type == 'H' && !wrong) || (is_data(type) && asked_.empty());
  if (ignored) return;
  asked_.emplace_back(type, std::move(run));
  asked_.back().unnamed = unnamed_in(type, body);
  if (type == 'P' && !asked_.back().unnamed.empty()) parsed_unnamed_.insert(asked_.back().unnamed);
}

bool ServerModel::pop(std::string_view types) {
  failed_ = answered_ = false;
  if (asked_.empty() || types.find(asked_.front()) == std::string_view::npos) return false;
  if (asked_.front() == 'Q' || !asked_.front().unnamed.empty()) unnamed_.reset();
  if (asked_.front() == 'P' && !asked_.front().unnamed.empty()) unnamed_ = asked_.front().unnamed;
  asked_.pop_front();
  while (!asked_.empty() && is_data(asked_.front())) asked_.pop_front();
  return true;
}

void ServerModel::note_in_copy(char type) {
  data_behind_sync_ |= type == 'd' && copy_syncs_ > 0;
  if (type == 'S') ++copy_syncs_;
  if (type == 'd') copy_syncs_ = 0;
}

void ServerModel::begin_copy() {
  copying_ = in_copy_ = true;
  copy_syncs_ = 0;
  data_behind_sync_ = false;
  bool sync_left = false;
  for (auto next = asked_.begin() + 1; next != asked_.end() && copying_;) {
    if (*next == 'c' || *next == 'f') copying_ = false;
    else if (*next != 'S' && *next != 'd') {
      misused_ = true;
      break;
    }
    syncs_ignored_ += *next == 'S';
    note_in_copy(*next);
    next = asked_.erase(next);
  }
  for (const char type : asked_) sync_left |= type == 'S';
  if (asked_.front() == 'E' && !sync_left) open_ = true;
}

void ServerModel::skip_to_sync() {
  while (!asked_.empty() && asked_.front() != 'S') asked_.pop_front();
  skipping_ = asked_.empty();
  if (skipping_) open_ = true;
}

/// Where the data in front of the Syncs was at fault, the server has not read them inside the COPY: what was sent behind its end stands
/// behind them.
void ServerModel::end_failed_copy(std::string_view sqlstate) {
  const bool is_of_data = sqlstate.starts_with("22") || sqlstate == "23502" || sqlstate == "23514";
  const bool unread = copying_ ? sqlstate != "57014" : is_of_data;
  copying_ = in_copy_ = false;
  misused_ |= unread && data_behind_sync_;
  if (!unread || copy_syncs_ == 0) return;
  for (; copy_syncs_ > 0; --copy_syncs_, --syncs_ignored_) asked_.emplace(asked_.begin() + 1, 'S');
  const auto ended = std::find_if(asked_.rbegin(), asked_.rend(), [](char type) { return std::string_view("QFS").find(type) != std::string_view::npos; });
  open_ = std::any_of(asked_.rbegin(), ended, [](char type) { return !is_data(type); });
}

bool ServerModel::on_said(char type, std::string_view body) {
  namespace backend = protocol::backend;
  const char head = asked_.empty() ? '\0' : asked_.front();
  if (type == backend::error_response && backend::error_field(body, 'V') == "FATAL") return true;
  if (failed_ && !goes_between(type) && type != backend::ready_for_query) return false;
  if (std::string_view("CEIsZ").find(type) != std::string_view::npos) rows_ = 0;
  rows_ += type == backend::data_row;
  switch (type) {
    case backend::parse_complete: return pop("P");
    case backend::bind_complete: return pop("B");
    case backend::close_complete: return pop("C");
    case backend::no_data: return pop("D");
    case backend::row_description: return head == 'Q' || pop("D");
    case backend::command_complete:
    case backend::empty_query_response:
      copying_ = in_copy_ = false;
      answered_ = true;
      if (head == 'E') transaction_ = status_then();
      return head == 'Q' || pop("E");
    case backend::portal_suspended: return pop("E");
    case backend::parameter_description: return head == 'D';
    case backend::data_row:
    case backend::copy_data:
    case backend::copy_done:
    case backend::copy_out_response: return head == 'Q' || head == 'E';
    case backend::copy_in_response:
      if (head != 'Q' && head != 'E') return false;
      begin_copy();
      return true;
    case backend::function_call_response: answered_ = true; return head == 'F';
    case backend::ready_for_query:
      transaction_ = status_ = body.empty() ? 'I' : body[0];
      copying_ = in_copy_ = false;
      return (answered_ || head == 'S') && pop("QFS");
    case backend::error_response:
      if (head == '\0' && !open_) return false;  // in an open batch it may break down at any time
      failed_ = answered_ = head == 'Q' || head == 'F';
      if (!failed_ && transaction_ == 'T') transaction_ = 'E';
      if (in_copy_) end_failed_copy(backend::error_field(body, 'C'));
      if (head == 'P' && !asked_.front().unnamed.empty()) unnamed_.reset();
      if (!failed_) skip_to_sync();
      return true;
    default: return true;
  }
}

std::size_t ServerModel::waiting() const {
  return static_cast<std::size_t>(std::count_if(asked_.begin(), asked_.end(), [](char type) { return type != 'd'; }));
}

std::uint32_t ServerModel::ready_expected() const {
  return static_cast<std::uint32_t>(std::count_if(asked_.begin(), asked_.end(), [](char type) { return type == 'Q' || type == 'F' || type == 'S'; }));
}

}  // namespace pgswitch::script
