#pragma once
#include <cstdint>
#include <string>

namespace pgswitch::copy {

/// Where the data of a load goes on its way to Redshift: an object that exists until the Place dies. The shell makes it.
class Place {
 public:
  virtual ~Place() = default;
  /// The next bytes; `last`: there are no more. The shell says when all of it is there, or why not.
  virtual void add(std::string bytes, bool last) = 0;
  /// Whether more may be added now; if not, the shell says when.
  virtual bool has_room() const = 0;
  /// For SHOW.
  virtual std::string name() const = 0;
  virtual std::uint64_t uploaded_bytes() const = 0;
};

}  // namespace pgswitch::copy
