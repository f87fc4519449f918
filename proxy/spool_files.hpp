#pragma once
#include "proxy/redshift/spool_storage.hpp"

namespace pgswitch {

class Relay;
class Worker;

/// Where the cursors of a worker's sessions keep their rows: limits of the configuration, and files without a name in cursor_spool_dir,
/// which helper threads read and write. The worker's thread.
class SpoolFiles final : public redshift::SpoolStorage {
 public:
  explicit SpoolFiles(Worker& worker) : worker_(worker) {}

  /// Files that are opened from now on are of this session, which is told (Relay::file_ready) when they have done something.
  void serve(Relay& relay) { served_ = &relay; }

  redshift::SpoolLimits limits() const override;
  bool take(std::uint64_t bytes) override;
  void give_back(std::uint64_t bytes) override;
  std::unique_ptr<redshift::SpoolFile> open(std::string& error) override;

 private:
  Worker& worker_;
  Relay* served_ = nullptr;
};

}  // namespace pgswitch
