// COPY FROM STDIN on a link of kind redshift: where its data goes meanwhile.
#include <openssl/rand.h>
#include <array>

#include "proxy/client_session.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/s3/upload.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/worker.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;

namespace {

std::string random_text(std::size_t size) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ab";
  static_assert(letters.size() == 64);
  std::string text(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(size)) != 1) throw std::bad_alloc();
  for (char& c : text) c = letters[static_cast<unsigned char>(c) & 63];
  return text;
}

/// The object in S3; gone when nobody holds it.
class UploadPlace final : public copy::Place {
 public:
  explicit UploadPlace(std::shared_ptr<s3::Upload> upload) : upload_(std::move(upload)) {}
  ~UploadPlace() override { upload_->discard(); }
  void add(std::string bytes, bool last) override { upload_->add(std::move(bytes), last); }
  bool has_room() const override { return upload_->has_room(); }
  std::string name() const override { return "s3://" + upload_->options().location.bucket + '/' + upload_->options().key; }
  std::uint64_t uploaded_bytes() const override { return upload_->sent_bytes(); }
  const s3::Upload& upload() const { return *upload_; }

 private:
  std::shared_ptr<s3::Upload> upload_;
};

SqlError no_bucket(rules::RouteId route) {
  SqlError error;
  error.sqlstate = protocol::sqlstate::feature_not_supported;
  error.message = "COPY FROM STDIN is not set up for \"" + rules::route_name(route) + '"';
  error.detail = "Redshift loads from S3, so the data needs a bucket on its way.";
  error.hint = "Set copy_bucket in the [databases] line of the route.";
  return error;
}

s3::Upload::Options options_for(const Database& database) {
  s3::Upload::Options options;
  options.location = {database.copy_bucket, database.copy_region, database.copy_s3_endpoint};
  options.gzip = database.copy_compression != "none";
  options.key = database.copy_prefix + "pgswitch-" + random_text(32) + (options.gzip ? ".gz" : "");
  options.part_size = static_cast<std::size_t>(database.copy_part_size.value_or(8)) << 20;
  options.parallel = database.copy_parallel.value_or(3);
  options.needs_keys = database.copy_iam_role.empty();
  return options;
}

}  // namespace

/// Makes the place that the core's load has asked for.
void Relay::open_load(rules::RouteId route) {
  CoreLoad& load = *core_.load();
  load.place_is_sought();
  const DatabasePtr database = worker_.config().find_database(route);
  if (!database || database->copy_bucket.empty()) return load.fail(no_bucket(route));
  const std::shared_ptr<s3::Service> service = worker_.proxy().s3();
  auto upload = std::make_shared<s3::Upload>(worker_.io(), worker_.proxy().upload_threads(), service, options_for(*database),
                                             [this, role = database->copy_iam_role] { load_changed(role); });
  upload->start();
  log_line(LogLevel::info, session_.log_prefix() + "COPY " + load.copy().statement().target + " through s3://" + database->copy_bucket +
                               '/' + upload->options().key);
  load.on_place(std::make_unique<UploadPlace>(std::move(upload)), random_text(16));
}

/// The upload has room, is complete, or has failed.
void Relay::load_changed(const std::string& role) {
  CoreLoad* const load = core_.load();
  if (finished_ || !load || !load->place()) return;
  const s3::Upload& upload = static_cast<const UploadPlace&>(*load->place()).upload();
  const s3::Upload::Options& options = upload.options();
  if (!upload.error().empty()) {
    SqlError error;
    error.sqlstate = "58030";  // io_error
    error.message = "cannot upload the data of COPY to S3";
    error.detail = upload.error();
    error.context = load->copy().context();
    log_line(LogLevel::warning,
             session_.log_prefix() + "upload to s3://" + options.location.bucket + '/' + options.key + " failed: " + upload.error());
    load->fail(std::move(error));
  } else if (upload.is_complete()) {
    const s3::Keys& keys = upload.keys();
    log_line(LogLevel::info, session_.log_prefix() + "uploaded " + std::to_string(load->copy().rows()) + " rows in " +
                                 std::to_string(upload.sent_bytes()) + " bytes");
    load->on_uploaded({"s3://" + options.location.bucket + '/' + options.key, options.location.region, role, keys.access_key,
                       keys.secret_key, keys.session_token, options.gzip});
  } else {
    load->on_room();
  }
  drive();
}

}  // namespace pgswitch
