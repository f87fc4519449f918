#pragma once
#include <string>

// What a daemon does to itself before it serves: identity, background, pidfile.
namespace pgswitch {

/// Becomes `user` for good (supplementary groups, group, user). Empty: nothing to do. From another user than root only
/// the own name is accepted. False with `error`.
bool become_user(const std::string& user, std::string& error);

/// True while the process has root's rights, with which no proxy should face a network.
bool runs_as_root();

/// Detaches from the terminal: double fork, new session, standard streams to /dev/null. Returns in the grandchild only;
/// threads do not survive it. False with `error`.
bool go_to_background(std::string& error);

/// The pidfile of this process, removed with the object unless another process has its own there by then. Empty path: does nothing.
class Pidfile {
 public:
  Pidfile() = default;
  ~Pidfile();
  Pidfile(const Pidfile&) = delete;
  Pidfile& operator=(const Pidfile&) = delete;

  /// Removes the file of a process that is gone; false with `error` when one lives or the content is no process id.
  static bool remove_stale(const std::string& path, std::string& error);
  /// Creates the file with this process's id; it must not exist.
  bool write(const std::string& path, std::string& error);
  /// The same in the place of another process's.
  bool replace(const std::string& path, std::string& error);

 private:
  bool create(const std::string& path, std::string& error);

  std::string path_;
};

}  // namespace pgswitch
