#include "proxy/s3/upload.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "proxy/clock.hpp"
#include "proxy/log.hpp"

namespace pgswitch::s3 {

namespace asio = boost::asio;

namespace {

constexpr int rounds_of_cleaning = 5;
constexpr std::int64_t first_pause_us = 2'000'000;

std::string url_of(const Upload::Options& options) { return "s3://" + options.location.bucket + '/' + options.key; }

}  // namespace

Upload::Upload(asio::io_context& io, HelperThreads& threads, std::shared_ptr<Service> service, Options options, Changed changed)
    : io_(io), threads_(threads), service_(std::move(service)), options_(std::move(options)), changed_(std::move(changed)), wake_(io) {
  if (options_.gzip) gzip_ = std::make_unique<copy::Gzip>();
}

Upload::~Upload() = default;

Bucket Upload::bucket(const std::atomic<bool>* stop) const { return service_->bucket(options_.location, stop); }

void Upload::start() {
  asio::co_spawn(
      io_, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void Upload::add(std::string bytes, bool last) {
  waiting_ += bytes;
  last_ |= last;
  wake_.wake();
}

void Upload::discard() {
  changed_ = nullptr;
  discarded_ = true;
  if (!complete_) stop_.store(true);
  wake_.wake();
}

void Upload::tell() {
  if (!changed_ || discarded_) return;
  const Changed call = changed_;  // discard() may come from within
  call();
}

void Upload::fail(std::string why) {
  if (!error_.empty() || discarded_) return;
  error_ = std::move(why);
  stop_.store(true);
  wake_.wake();
}

asio::awaitable<void> Upload::run() {
  const std::shared_ptr<Upload> self = shared_from_this();
  if (options_.location.region.empty()) co_await find_region();
  co_await transfer();
  while (sending_ > 0) co_await wake_.wait(0);
  if (!is_over()) co_await finish();
  if (!discarded_) tell();
  while (!discarded_) co_await wake_.wait(0);
  co_await clean_up();
}

asio::awaitable<void> Upload::find_region() {
  std::string found;
  const std::function<void()> call = [this, &found] { found = service_->credentials().region(); };
  co_await threads_.run(io_, 0, call);
  options_.location.region = found.empty() ? "us-east-1" : std::move(found);
}

/// Compresses and sends what comes, but for the last part.
asio::awaitable<void> Upload::transfer() {
  while (!is_over()) {
    if (waiting_.empty() && !last_) {
      co_await wake_.wait(0);
      continue;
    }
    const bool last = last_;
    std::string bytes = std::exchange(waiting_, {});
    const std::function<void()> compress = [this, &bytes, last] {
      if (!gzip_) {
        part_ += bytes;
        return;
      }
      gzip_->write(bytes, part_);
      if (last) gzip_->finish(part_);
    };
    co_await threads_.run(io_, 0, compress);
    tell();
    co_await send_parts(last);
    if (last) co_return;
  }
}

asio::awaitable<void> Upload::send_parts(bool last) {
  while (part_.size() >= options_.part_size && !is_over()) {
    if (sending_ >= options_.parallel) {
      co_await wake_.wait(0);
      continue;
    }
    if (last && id_.empty() && part_.size() == options_.part_size) co_return;  // one PUT will do
    if (id_.empty() && !co_await begin()) co_return;
    if (etags_.size() >= most_parts)
      co_return fail("the data is too large: an object has " + std::to_string(most_parts) + " parts at most");
    std::string part = part_.substr(0, options_.part_size);
    part_.erase(0, options_.part_size);
    etags_.emplace_back();
    ++sending_;
    const int number = static_cast<int>(etags_.size());
    asio::co_spawn(io_, send_part(number, std::move(part)), asio::detached);
  }
}

asio::awaitable<bool> Upload::begin() {
  Outcome outcome;
  touched_ = true;
  registration_ = Registration(service_, options_.location, options_.key, stop_);
  const std::function<void()> call = [this, &outcome] { outcome = bucket(&stop_).begin(options_.key); };
  co_await threads_.run(io_, 0, call);
  if (!outcome.ok) co_return fail(std::move(outcome.message)), false;
  id_ = std::move(outcome.value);
  registration_.set_upload(id_);
  co_return true;
}

asio::awaitable<void> Upload::send_part(int number, std::string part) {
  const std::shared_ptr<Upload> self = shared_from_this();
  Outcome outcome;
  const std::function<void()> call = [this, &outcome, &part, number] { outcome = bucket(&stop_).part(options_.key, id_, number, part); };
  co_await threads_.run(io_, 0, call);
  --sending_;
  sent_ += part.size();
  if (outcome.ok)
    etags_[static_cast<std::size_t>(number) - 1] = std::move(outcome.value);
  else
    fail(std::move(outcome.message));
  wake_.wake();
}

/// The last part, or all of it, and the keys for whoever reads it.
asio::awaitable<void> Upload::finish() {
  Outcome outcome;
  std::string no_keys;
  if (!touched_) registration_ = Registration(service_, options_.location, options_.key, stop_);
  touched_ = true;
  const std::function<void()> call = [this, &outcome, &no_keys] {
    Bucket there = bucket(&stop_);
    if (id_.empty()) {
      outcome = there.put(options_.key, part_);
    } else {
      outcome.ok = true;
      if (!part_.empty()) {
        outcome = there.part(options_.key, id_, static_cast<int>(etags_.size()) + 1, part_);
        etags_.push_back(std::move(outcome.value));
      }
      if (outcome.ok) outcome = there.complete(options_.key, id_, etags_);
    }
    if (outcome.ok && options_.needs_keys) keys_ = service_->credentials().get(false, no_keys);
  };
  co_await threads_.run(io_, 0, call);
  sent_ += part_.size();
  part_ = {};
  if (!outcome.ok) co_return fail(std::move(outcome.message));
  if (options_.needs_keys && keys_.empty()) co_return fail(std::move(no_keys));
  if (!discarded_) complete_ = true;
}

/// Deletes whatever may be there. S3 may have taken what we think has failed.
asio::awaitable<void> Upload::clean_up() {
  waiting_ = part_ = {};
  if (!touched_) co_return;
  const Service::Leftover left{options_.location, options_.key, id_, nullptr};
  std::string why;
  for (int round = 0; round < rounds_of_cleaning; ++round) {
    const std::function<void()> call = [this, &left, &why] { why = service_->remove(left, 6); };
    co_await threads_.run(io_, 0, call);
    if (why.empty()) co_return registration_.clear();
    if (round == 0) log_line(LogLevel::warning, "cannot delete " + url_of(options_) + ", trying again: " + why);
    co_await wake_.wait(steady_us() + (first_pause_us << round));
  }
  log_line(LogLevel::error, "left behind: " + url_of(options_) + (id_.empty() ? "" : " and its multipart upload " + id_) + ": " + why);
  registration_.clear();
}

}  // namespace pgswitch::s3
