#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace pgswitch::redshift {

/// How much a cursor may keep.
struct SpoolLimits {
  std::uint64_t memory = 1 << 20;          ///< bytes in memory before the rows go to a file (cursor_memory)
  std::uint64_t most = std::uint64_t{1} << 30;  ///< bytes in all (cursor_spool_max)
};

/// Bytes one behind the other in a file that nobody else sees. It never blocks: what it is asked is done elsewhere, and the session
/// has another turn when it is done. Gone, with its space on the disk, as soon as it is destroyed.
class SpoolFile {
 public:
  virtual ~SpoolFile() = default;
  /// Appends.
  virtual void write(std::string bytes) = 0;
  /// Some of what was given to write() is still in memory: whoever has more should wait.
  virtual bool is_writing() const = 0;
  /// True: `into` has the `size` bytes from `offset` on. False: not yet, or never (fault()).
  virtual bool read(std::uint64_t offset, std::size_t size, std::string& into) = 0;
  /// What the system said of a write or a read that failed; "": none has.
  virtual const std::string& fault() const = 0;
};

/// Where the cursors of a session keep their rows: limits, and files beyond them. Owned by the shell, outlives the session.
class SpoolStorage {
 public:
  virtual ~SpoolStorage() = default;
  virtual SpoolLimits limits() const = 0;
  /// Takes bytes from what all cursors of the process may keep (cursor_spool_total), or false.
  virtual bool take(std::uint64_t bytes) = 0;
  virtual void give_back(std::uint64_t bytes) = 0;
  /// nullptr: `error` is what the system said.
  virtual std::unique_ptr<SpoolFile> open(std::string& error) = 0;
};

}  // namespace pgswitch::redshift
