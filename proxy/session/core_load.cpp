#include "proxy/session/core_load.hpp"

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/redshift/settings.hpp"
#include "proxy/session/copy_syncs.hpp"
#include "proxy/session/core.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/redshift/spelling.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::Severity;
using protocol::SqlError;

namespace {

SqlError refused(std::string message, std::string hint) {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported), std::move(message), "", std::move(hint), 0};
}

bool is_fatal(ByteView body) {
  const std::string_view severity =
      backend::error_field(body, 'V').empty() ? backend::error_field(body, 'S') : backend::error_field(body, 'V');
  return severity == "FATAL" || severity == "PANIC";
}

SqlError not_convertible(std::string_view encoding) {
  return refused("the data of COPY cannot be converted from or to \"" + std::string(encoding) + "\" for Redshift",
                 "Use another ENCODING, such as UTF8.");
}

bool is_utf8(const copy::ClientEncoding& encoding) { return encoding.shape == copy::Shape::utf8; }

}  // namespace

CoreLoad::CoreLoad(SessionCore& core, copy::ClientCopy copy, bool extended, std::uint32_t position, std::uint64_t most_rows)
    : core_(core),
      copy_(std::move(copy)),
      extended_(extended),
      in_transaction_(core.status() != 'I' || core.predicted_ != 'I'),
      position_(position),
      most_rows_(most_rows) {}

std::optional<SqlError> CoreLoad::object_to_encoding(const SessionCore& core) {
  return redshift::encoding_objection(core.settings_.wanted()[static_cast<std::size_t>(Tracked::client_encoding)]);
}

bool CoreLoad::is_in_any_encoding(const rules::Statement& statement) {
  switch (statement.kind) {
    case rules::Kind::copy_in:
    case rules::Kind::copy_out:
    case rules::Kind::set:
    case rules::Kind::reset:
    case rules::Kind::set_transaction:
    case rules::Kind::discard: return true;
    default: return statement.is_transaction_control();
  }
}

CoreLoad::Begun CoreLoad::begin(SessionCore& core, const Link& link, std::string_view text, const rules::ScriptItem& item, bool extended,
                                std::uint32_t before) {
  const bool conforming = core.settings_.facts().conforming_strings;
  if (link.state->kind != ServerKind::redshift || !copy::is_client_copy(text, conforming)) return Begun::not_ours;
  const auto refuse = [&](SqlError error) { return core.refusal_ = std::move(error), Begun::refused; };
  if (extended && core.batch_wrote_) return refuse(refused("COPY on Redshift must be in a batch of its own", "Send a Sync before it."));
  // A deferred BEGIN among others: our queries are simple ones, and begin with nothing open.
  if (core.batch_open_) return core.end_segment(), Begun::waits;
  if (!core.work_->ledger.empty()) return core.await_replies(), Begun::waits;
  if (core.status() == 'E') return refuse(core.transaction_failed());
  redshift::Transaction transaction = core.side().transaction;
  const redshift::Translation ruled = redshift::translate(*item.statement, *item.statement, text, core.asker_of(link), transaction);
  if (ruled.how == redshift::Translation::How::refused) return refuse(ruled.error);
  const std::string& client_encoding = core.settings_.wanted()[static_cast<std::size_t>(Tracked::client_encoding)];
  const copy::ClientEncoding* const told_in = copy::find_client_encoding(client_encoding.empty() ? "UTF8" : client_encoding);
  if (!told_in) return refuse(not_convertible(client_encoding));
  std::string converted;
  if (!is_utf8(*told_in)) {
    copy::ToUtf8 reader(*told_in);
    if (!reader.is_open()) return refuse(not_convertible(client_encoding));
    if (!reader.convert(text, converted) || !reader.finish()) return refuse(reader.error());
    text = converted;
  }
  SqlError error;
  auto copy = copy::parse_copy(text, conforming, error);
  if (!copy) return refuse(std::move(error));
  const std::string named = copy->options.encoding;
  const copy::ClientEncoding& encoding = named.empty() ? *told_in : *copy::find_client_encoding(named);
  rules::redshift::SpellingFault fault;
  const auto query = rules::redshift::spell(copy->from ? copy::columns_query(*copy) : copy::rows_query(*copy), conforming, fault);
  if (!query) return refuse(to_error(fault.refusal));
  const std::uint32_t position = before + copy->query_position;
  copy::ClientCopy made(std::move(*copy), *query, encoding);
  if (!made.is_convertible()) return refuse(not_convertible(encoding.name));
  core.work_->load = std::make_shared<CoreLoad>(core, std::move(made), extended, position, item.decision->limits.max_rows);
  if (!is_utf8(*told_in)) core.work_->load->told_in_ = told_in;
  core.work_->load->limit(item);
  core.side().transaction = transaction;
  core.last_route_.sent_to(link.route);
  if (!item.statement->read_only) core.note_write(*item.statement);
  core.work_->load->take(core.work_->load->copy_.begin());
  return Begun::yes;
}

/// How long all of it may take: by a rule, or by statement_timeout, which the server can keep only of what it runs itself.
void CoreLoad::limit(const rules::ScriptItem& item) {
  Limited limited;
  core_.add_limits(limited, item, {});
  limited.decision = item.decision;
  limited.limits.max_rows = 0;  // most_rows_
  const std::int64_t own = redshift::milliseconds(core_.settings_.value("statement_timeout").value_or("")).value_or(0) * 1000;
  if (own > 0 && (limited.limits.timeout_us == 0 || own < limited.limits.timeout_us)) {
    limited.limits.timeout_us = own;
    by_setting_ = true;
  }
  core_.forget_limited();
  if (limited.limits.timeout_us == 0) return;
  limited.phase = LimitPhase::running;
  core_.limited_ = std::move(limited);
}

void CoreLoad::send(std::string_view text) {
  core_.work_->to_server.compose([&](std::string& out) { protocol::write_query(out, text); });
  core_.work_->ledger.push(Expect::query, Reply::swallow);
  core_.active_->state->prepared.unnamed = {};
  core_.batch_open_ = core_.batch_wrote_ = false;
  core_.stall(SessionCore::Stall::load);
}

void CoreLoad::take(copy::Step step) {
  // A cancel request may have come when the server had done what it was asked.
  const copy::Phase phase = copy_.phase();
  const bool goes_on = phase == copy::Phase::opening || phase == copy::Phase::receiving || phase == copy::Phase::loading;
  if (goes_on && step.kind != copy::Step::Kind::fail && core_.limited_ && core_.limited_->timed_out)
    return fail(too_late());
  switch (step.kind) {
    case copy::Step::Kind::none: return;
    case copy::Step::Kind::query: return send(step.text);
    case copy::Step::Kind::open: wants_place_ = true; return core_.stall(SessionCore::Stall::load);
    case copy::Step::Kind::receive: core_.work_->to_client.append(step.text); return core_.stall(SessionCore::Stall::none);
    case copy::Step::Kind::succeed: return succeed(step.text);
    case copy::Step::Kind::fail: return fail(std::move(step.error));
  }
}

void CoreLoad::on_place(std::unique_ptr<copy::Place> place, std::string null) {
  place_ = std::move(place);
  take(copy_.on_open(std::move(null)));
}

/// A cancel request on its way must not hit what comes next.
void CoreLoad::end_stall() { core_.stall(core_.cancelling_ ? SessionCore::Stall::limits : SessionCore::Stall::none); }

SqlError CoreLoad::too_late() const {
  SqlError error{Severity::error, std::string(protocol::sqlstate::query_canceled), "canceling statement due to statement timeout", "", "", 0};
  if (!by_setting_) error = core_.limited_->error_instead(protocol::sqlstate::query_canceled).value_or(error);
  error.context = copy_.context();
  return error;
}

/// Encoded data goes on its way; the client waits while the place is full, and behind its last data.
void CoreLoad::upload() {
  if (!copy_.has_chunk()) return;
  const bool last = copy_.is_last_chunk();
  place_->add(copy_.take_chunk(), last);
  if (last || !place_->has_room()) core_.stall(SessionCore::Stall::load);
}

void CoreLoad::on_room() {
  if (copy_.phase() == copy::Phase::receiving && place_->has_room()) core_.stall(SessionCore::Stall::none);
}

void CoreLoad::on_uploaded(copy::Source source) { take(copy_.on_uploaded(std::move(source))); }

bool CoreLoad::cancel(SqlError error) {
  if (copy_.is_on_server()) return false;
  error.context = copy_.context();
  fail(std::move(error));
  return true;
}

/// The client is told `error`. In a transaction that is then failed: by local_abort_, or by the server itself.
void CoreLoad::fail(SqlError error) {
  const std::shared_ptr<CoreLoad> self = std::exchange(core_.work_->load, nullptr);
  end_stall();
  if (!leaves_syncs(error.sqlstate, copy_.phase() != copy::Phase::receiving)) core_.copy_syncs_ = 0;
  if (told_in_)
    for (std::string* text : {&error.message, &error.detail, &error.hint, &error.context}) *text = copy::in_encoding(*told_in_, *text);
  core_.local_abort_ |= copy_.has_rolled_back() && in_transaction_;
  if (error.position != 0) error.position += position_;
  if (extended_)
    core_.fail_batch(error), core_.maybe_release();
  else
    core_.fail_query(error);
  // See SessionCore::end_failed_copy().
  constexpr ByteView sync("S\0\0\0\4", 5);
  FrameHeader header;
  read_header(sync, sync.size(), header);
  for (; core_.copy_syncs_ > 0; --core_.copy_syncs_) core_.on_sync(header, sync);
}

void CoreLoad::succeed(std::string_view tag) {
  const std::shared_ptr<CoreLoad> self = std::exchange(core_.work_->load, nullptr);
  core_.work_->to_client.compose([&](std::string& out) { protocol::write_command_complete(out, tag); });
  core_.copy_syncs_ = 0;
  core_.forget_limited();
  end_stall();
  CoreCounters::Copies counted = core_.counters.copies.value_or({});
  ++counted.count;
  counted.rows += copy_.rows();
  counted.bytes += copy_.bytes();
  core_.counters.copies = counted;
  if (extended_) return core_.maybe_release();
  if (rest_) return run_rest(core_, std::move(*rest_));
  core_.end_string(false);
  core_.counters.transactions += core_.status() == 'I';
  core_.write_local_ready();
  core_.maybe_release();
}

/// Data, its end, and what may stand between: from the CopyInResponse to the end of the data the server ignores Flush and Sync (manual,
/// 55.2.6).
std::size_t CoreLoad::on_client_frame(const FrameHeader& header, ByteView in) {
  const std::size_t size = header.frame_size();
  switch (header.type) {
    case frontend::copy_data: {
      const std::size_t here = std::min(size, in.size());
      core_.copy_syncs_ = 0;
      core_.client_rest_ = size - here;
      core_.client_rest_forward_ = false;
      on_client_data(in.substr(protocol::frame_header_size, here - protocol::frame_header_size));
      return here;
    }
    case frontend::copy_done:
      if (!copy_.finish()) return core_.copy_syncs_ = 0, fail(copy_.error()), size;
      return upload(), size;
    case frontend::copy_fail:
      if (!core_.complete(header, in)) return 0;
      return end_data(in.substr(protocol::frame_header_size, header.body_size)), size;
    case frontend::flush: return core_.skip_frame(header, in);
    case frontend::sync: return core_.skip_copy_sync(header, in);
    case frontend::terminate: core_.closing_ = true; return std::min(size, in.size());
    default: {
      const std::shared_ptr<CoreLoad> self = std::exchange(core_.work_->load, nullptr);
      char type[3];
      std::snprintf(type, sizeof type, "%02X", static_cast<unsigned char>(header.type));
      SqlError error{Severity::error,
                     std::string(protocol::sqlstate::protocol_violation),
                     std::string("unexpected message type 0x") + type + " during COPY from stdin",
                     "",
                     "",
                     0};
      error.context = copy_.context();
      core_.write_local_error(error);
      core_.fatal(synchronization_lost());
      return 0;
    }
  }
}

void CoreLoad::on_client_data(ByteView data) {
  if (!copy_.feed(data)) return fail(copy_.error());
  upload();
}

/// CopyFail.
void CoreLoad::end_data(ByteView body) {
  const std::string_view reason = body.substr(0, body.find('\0'));
  core_.copy_syncs_ = 0;
  SqlError error{
      Severity::error, std::string(protocol::sqlstate::query_canceled), "COPY from stdin failed: " + std::string(reason), "", "", 0};
  error.context = "COPY " + copy_.statement().table + ", line " + std::to_string(copy_.line() + 1);
  fail(std::move(error));
}

std::size_t CoreLoad::on_server_frame(const FrameHeader& header, ByteView in) {
  const std::size_t size = header.frame_size();
  if (size > in.size()) return core_.server_needed_ = size, 0;
  const ByteView frame = in.substr(0, size), body = in.substr(protocol::frame_header_size, header.body_size);
  const auto answer = [&](auto call) { core_.work_->to_client.compose([&](std::string& out) { call(out); }); };
  switch (header.type) {
    case backend::row_description: answer([&](std::string& out) { copy_.on_row_description(body, out); }); return size;
    case backend::data_row:
      if (most_rows_ != 0 && copy_.phase() == copy::Phase::sending && copy_.rows() >= most_rows_) {
        SqlError error{Severity::error, std::string(protocol::sqlstate::program_limit_exceeded), "the result has too many rows", "", "", 0};
        error.detail = "A rule lets it have " + std::to_string(most_rows_) + '.';
        copy_.on_error(std::move(error));
      }
      answer([&](std::string& out) { copy_.on_data_row(body, out); });
      return size;
    case backend::command_complete:
    case backend::empty_query_response: return size;
    case backend::error_response:
      if (is_fatal(body)) break;
      core_.failed_ = true;
      if (backend::error_field(body, 'C') == protocol::sqlstate::query_canceled && core_.limited_ && core_.limited_->timed_out)
        copy_.on_error(too_late());
      else
        copy_.on_error(backend::read_error(body));
      return size;
    case backend::ready_for_query: {
      core_.failed_ |= copy_.phase() == copy::Phase::rolling_back;
      if (!core_.on_ready(frame)) return core_.work_->load.reset(), in.size();
      copy::Step step;
      answer([&](std::string& out) { step = copy_.on_ready(core_.active_->status, out); });
      take(std::move(step));
      return size;
    }
    default: return core_.desynchronised(header.type), in.size();
  }
  return core_.on_error(frame, body) ? size : in.size();
}

/// The link's connection is gone, and the session stays.
void CoreLoad::on_lost(const SqlError& error, bool in_transaction) {
  core_.stall(SessionCore::Stall::none);
  core_.refusal_.reset();
  core_.lost_in_transaction_.reset();
  if (copy_.phase() != copy::Phase::receiving) core_.copy_syncs_ = 0;
  if (const auto tag = copy_.on_lost(in_transaction)) {
    core_.work_->to_client.compose([&](std::string& out) { protocol::write_command_complete(out, *tag); });
  } else {
    core_.write_local_error(error);
    core_.skip_until_sync_ = extended_ && core_.copy_syncs_ == 0;
  }
  for (int owed = (extended_ ? 0 : 1) + std::exchange(core_.copy_syncs_, 0); owed > 0; --owed)
    core_.work_->to_client.compose([&](std::string& out) { protocol::write_ready_for_query(out, core_.local_abort_ ? 'E' : 'I'); });
}

}  // namespace pgswitch
