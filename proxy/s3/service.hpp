#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/s3/bucket.hpp"
#include "proxy/s3/credentials.hpp"
#include "proxy/s3/http.hpp"

namespace pgswitch::s3 {

/// What all uploads of a process share, and what they have left behind so far. Any thread.
class Service : public std::enable_shared_from_this<Service> {
 public:
  /// Something in a bucket that has to be deleted.
  struct Leftover {
    Location location;
    std::string key;
    std::string upload;  ///< a multipart upload; "": there is none
    std::atomic<bool>* stop = nullptr;  ///< makes those end that are at it
  };

  Service();
  HttpClient& http() { return http_; }
  Credentials& credentials() { return credentials_; }
  Bucket bucket(const Location& location, const std::atomic<bool>* stop);
  /// Deletes an object and its unfinished upload, if it has one. "": it is gone; else why not.
  std::string remove(const Leftover& leftover, int attempts);
  /// The process ends: uploads under way are given up.
  void stop_all();
  /// Deletes what is noted, when nothing is under way any more. What cannot be deleted within `seconds` is returned.
  std::vector<Leftover> remove_all(int seconds);

 private:
  friend class Registration;
  Curl http_;
  Credentials credentials_;
  std::mutex mutex_;
  std::list<Leftover> leftovers_;
};

/// Notes with a Service what has to be deleted, for as long as it lives.
class Registration {
 public:
  Registration() = default;
  Registration(std::shared_ptr<Service> service, Location location, std::string key, std::atomic<bool>& stop);
  ~Registration() { clear(); }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  Registration& operator=(Registration&& other) noexcept;
  void set_upload(const std::string& id);
  /// It is gone.
  void clear();

 private:
  std::shared_ptr<Service> service_;
  std::list<Service::Leftover>::iterator place_;
};

}  // namespace pgswitch::s3
