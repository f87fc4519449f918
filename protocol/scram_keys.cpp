#include "protocol/scram_keys.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace pgswitch::protocol {
namespace {

constexpr std::string_view secret_prefix = "SCRAM-SHA-256$";

/// What stands before `delimiter`; takes both. Everything when there is no delimiter.
std::string_view take_until(std::string_view& rest, char delimiter) {
  const std::string_view part = rest.substr(0, rest.find(delimiter));
  rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  return part;
}

std::optional<std::uint32_t> parse_iterations(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = failure == std::errc{} && end == text.data() + text.size();
  const bool fits = value > 0 && value <= static_cast<std::uint32_t>(std::numeric_limits<int>::max());
  return whole && fits ? std::optional(value) : std::nullopt;
}

bool parse_key(std::string_view text, Digest& key) {
  const std::optional<std::string> raw = base64_decode(text);
  if (!raw || raw->size() != key.size()) return false;
  std::copy(raw->begin(), raw->end(), key.begin());
  return true;
}

std::string index_of(std::string_view user, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  std::string text(user);
  text.push_back('\0');
  text.append(password).push_back('\0');
  text.append(std::to_string(iterations)).push_back('\0');
  text.append(salt);
  const std::string index(view(sha256(text)));
  cleanse(text);
  return index;
}

}  // namespace

ScramKeys::~ScramKeys() {
  OPENSSL_cleanse(stored_key.data(), stored_key.size());
  OPENSSL_cleanse(server_key.data(), server_key.size());
  OPENSSL_cleanse(client_key.data(), client_key.size());
}

ScramKeys derive_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  std::string prepared = saslprep(password);
  Digest salted = pbkdf2_sha256(prepared, salt, iterations);
  cleanse(prepared);
  ScramKeys keys;
  keys.salt = salt;
  keys.iterations = iterations;
  keys.client_key = hmac_sha256(view(salted), {"Client Key"});
  keys.stored_key = sha256(view(keys.client_key));
  keys.server_key = hmac_sha256(view(salted), {"Server Key"});
  keys.has_client_key = true;
  OPENSSL_cleanse(salted.data(), salted.size());
  return keys;
}

std::optional<ScramKeys> parse_scram_secret(std::string_view text) {
  if (!text.starts_with(secret_prefix)) return std::nullopt;
  text.remove_prefix(secret_prefix.size());
  const std::optional<std::uint32_t> iterations = parse_iterations(take_until(text, ':'));
  std::optional<std::string> salt = base64_decode(take_until(text, '$'));
  const std::string_view stored_key = take_until(text, ':');
  if (!iterations || !salt || salt->empty()) return std::nullopt;
  ScramKeys keys;
  keys.iterations = *iterations;
  keys.salt = std::move(*salt);
  const bool parsed = parse_key(stored_key, keys.stored_key) && parse_key(text, keys.server_key);
  return parsed ? std::optional(std::move(keys)) : std::nullopt;
}

std::string format_scram_secret(const ScramKeys& keys) {
  std::string text(secret_prefix);
  text += std::to_string(keys.iterations) + ":" + base64_encode(keys.salt);
  text += "$" + base64_encode(view(keys.stored_key)) + ":" + base64_encode(view(keys.server_key));
  return text;
}

std::string scram_salt(std::string_view process_secret, std::string_view user) {
  return std::string(view(hmac_sha256(process_secret, {"scram salt", user})).substr(0, 16));
}

ScramKeys mock_scram_keys(std::string_view process_secret, std::string_view user, std::uint32_t iterations) {
  ScramKeys keys;
  keys.salt = scram_salt(process_secret, user);
  keys.iterations = iterations;
  return keys;
}

ScramKeys ScramKeyCache::get_or_derive(std::string_view user, std::string_view password, std::string_view salt,
                                       std::uint32_t iterations) {
  if (std::optional<ScramKeys> known = find(user, password, salt, iterations)) return std::move(*known);
  ScramKeys keys = derive_scram_keys(password, salt, iterations);
  insert(user, password, keys);
  return keys;
}

std::optional<ScramKeys> ScramKeyCache::find(std::string_view user, std::string_view password, std::string_view salt,
                                             std::uint32_t iterations) const {
  const std::string index = index_of(user, password, salt, iterations);
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(index);
  return entry == entries_.end() ? std::nullopt : std::optional(entry->second);
}

void ScramKeyCache::insert(std::string_view user, std::string_view password, ScramKeys keys) {
  if (capacity_ == 0) return;
  std::string index = index_of(user, password, keys.salt, keys.iterations);
  const std::lock_guard lock(mutex_);
  if (!entries_.try_emplace(index, std::move(keys)).second) return;
  age_.push_back(std::move(index));
  if (entries_.size() <= capacity_) return;
  entries_.erase(age_.front());
  age_.pop_front();
}

std::size_t ScramKeyCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void ScramKeyCache::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  age_.clear();
}

}  // namespace pgswitch::protocol
