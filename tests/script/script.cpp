#include "script.hpp"

#include <gtest/gtest.h>

#include "run.hpp"

namespace pgswitch::script {

Script::~Script() {
  const std::string failure = run_everything(start_, steps_);
  if (!failure.empty()) ADD_FAILURE_AT(file_, line_) << failure;
}

Script& Script::bytes(Step::Kind kind, Bytes what) {
  Step step{};
  step.kind = kind;
  step.route = route_;
  step.bytes = std::move(what);
  steps_.push_back(std::move(step));
  return *this;
}

Script& Script::expect_acquire_but_fail(std::string route, std::string_view sqlstate, bool fatal) {
  on(std::move(route)).add(Step::Kind::acquire_fails);
  steps_.back().error.severity = fatal ? protocol::Severity::fatal : protocol::Severity::error;
  steps_.back().error.sqlstate = sqlstate;
  steps_.back().error.message = "no connection";
  return *this;
}

Script& Script::expect_release(std::string route, Leftover leftover) {
  on(std::move(route)).add(Step::Kind::release);
  steps_.back().leftover = leftover;
  return *this;
}

Script& Script::check(std::function<void(const SessionCore&)> question) {
  add(Step::Kind::check);
  steps_.back().check = std::move(question);
  return *this;
}

Script& Script::exchange(std::string_view sql, std::string_view tag, char status) {
  client(query(sql)).expect_to_server(query(sql));
  return server(complete(tag), ready(status)).expect_to_client(complete(tag), ready(status));
}

Script& Script::whole_exchange(std::string_view sql, std::string_view tag, std::string route) {
  client(query(sql)).expect_acquire(route).expect_to_server(query(sql));
  return server(complete(tag), ready('I')).expect_to_client(complete(tag), ready('I')).expect_release(route);
}

Script& Script::prepare(std::string_view name, std::string_view sql) {
  client(parse(name, sql), sync()).expect_acquire().expect_to_server(parse(name.empty() ? std::string() : on_server(sql), sql), sync());
  return server(parse_complete(), ready('I')).expect_to_client(parse_complete(), ready('I')).expect_release();
}

Start session_pooling() {
  Start start;
  start.options.mode = CoreOptions::Mode::session;
  return start;
}

Start loading(std::string upload_error) {
  Start start;
  start.redshift = {"app"};
  start.gaps = true;
  start.upload_error = std::move(upload_error);
  return start;
}

Start statement_pooling() {
  Start start;
  start.options.mode = CoreOptions::Mode::statement;
  return start;
}

Start eager_begin() {
  Start start;
  start.options.defer_begin = false;
  return start;
}

}  // namespace pgswitch::script
