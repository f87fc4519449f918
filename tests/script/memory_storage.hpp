#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "proxy/redshift/spool_storage.hpp"

namespace pgswitch::script {

/// Cursors' files in memory, with small limits, so that a few rows need them. `slow`: what a file is asked is done by finish().
class MemoryStorage final : public redshift::SpoolStorage {
 public:
  explicit MemoryStorage(redshift::SpoolLimits limits = {}, std::uint64_t total = UINT64_MAX) : limits_(limits), total_(total) {}

  redshift::SpoolLimits limits() const override { return limits_; }
  bool take(std::uint64_t bytes) override {
    if (used + bytes > total_) return false;
    used += bytes;
    return true;
  }
  void give_back(std::uint64_t bytes) override { used -= bytes; }
  std::unique_ptr<redshift::SpoolFile> open(std::string& error) override {
    if (!open_fault.empty()) return error = open_fault, nullptr;
    return std::make_unique<File>(*this);
  }
  /// The waiting of all files is over.
  void finish() { ++turn; }

  std::uint64_t used = 0;
  int files = 0;               ///< that are open
  bool slow = false;
  std::string open_fault, write_fault;
  int turn = 0;

 private:
  class File final : public redshift::SpoolFile {
   public:
    explicit File(MemoryStorage& storage) : storage_(storage) { ++storage_.files; }
    ~File() override { --storage_.files; }
    void write(std::string bytes) override {
      bytes_ += bytes;
      written_at_ = storage_.turn;
    }
    bool is_writing() const override { return storage_.slow && written_at_ == storage_.turn; }
    bool read(std::uint64_t offset, std::size_t size, std::string& into) override {
      if (storage_.slow && asked_.first != offset) asked_ = {offset, storage_.turn};
      if (storage_.slow && asked_.second == storage_.turn) return false;
      into = bytes_.substr(offset, size);
      return true;
    }
    const std::string& fault() const override { return storage_.write_fault; }

   private:
    MemoryStorage& storage_;
    std::string bytes_;
    int written_at_ = -1;
    std::pair<std::uint64_t, int> asked_{~std::uint64_t{0}, 0};  ///< what was asked for, and in which turn
  };

  redshift::SpoolLimits limits_;
  std::uint64_t total_;
};

}  // namespace pgswitch::script
