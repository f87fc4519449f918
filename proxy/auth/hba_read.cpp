// Hba from text.
#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include "proxy/auth/hba.hpp"
#include "proxy/auth/hba_line.hpp"
#include "proxy/auth/ldap_options.hpp"
#include "proxy/ini.hpp"

namespace pgswitch {
namespace {

constexpr int deepest_include = 10;

struct MethodName {
  std::string_view name;
  AuthMethod method;
};
constexpr MethodName methods[] = {
    {"trust", AuthMethod::trust}, {"reject", AuthMethod::reject}, {"password", AuthMethod::password},
    {"md5", AuthMethod::md5},     {"peer", AuthMethod::peer},     {"scram-sha-256", AuthMethod::scram_sha_256},
    {"cert", AuthMethod::cert},   {"ldap", AuthMethod::ldap},     {"pam", AuthMethod::pam},
};

/// The first `bits` of 128.
rules::AddressBytes mask_of(unsigned bits) {
  rules::AddressBytes mask{};
  for (unsigned bit = 0; bit < bits; ++bit) mask[bit / 8] |= static_cast<unsigned char>(0x80u >> (bit % 8));
  return mask;
}

std::optional<rules::AddressBytes> parse_mask(const std::string& text, bool is_v4) {
  auto mask = rules::parse_address(text);
  if (!mask || (text.find(':') == std::string::npos) != is_v4) return std::nullopt;
  if (is_v4) std::fill_n(mask->begin(), 12, static_cast<unsigned char>(0xff));
  return mask;
}

std::optional<unsigned> parse_bits(std::string_view text, unsigned most) {
  unsigned bits = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || stop != text.data() + text.size() || bits > most) return std::nullopt;
  return bits;
}

}  // namespace

/// Reads one line. Each step returns what is wrong, or nothing.
class Hba::Reader {
 public:
  using Fault = std::optional<std::string>;
  Reader(std::string_view line, const std::string& path) : words_(line), path_(path) {}

  bool is_blank() { return words_.at_end(); }

  Fault read(Line& line) {
    if (Fault fault = read_transport(line)) return fault;
    if (Fault fault = read_names(line.databases, true)) return fault;
    if (Fault fault = read_names(line.users, false)) return fault;
    const bool has_address = type_ != "local";
    if (has_address)
      if (Fault fault = read_address(line)) return fault;
    return read_method(line.rule);
  }

 private:
  Fault read_transport(Line& line) {
    const auto word = words_.word();
    if (!word || word->quoted) return "no type at its beginning";
    type_ = word->text;
    if (type_ == "local") line.transport = Transport::local;
    else if (type_ == "host" || type_ == "hostnogssenc") line.transport = Transport::any;
    else if (type_ == "hostssl") line.transport = Transport::tls;
    else if (type_ == "hostnossl") line.transport = Transport::plain;
    else if (type_ == "hostgssenc") line.transport = Transport::never;  // nobody gets GSSAPI encryption
    else return "unknown type " + type_;
    return std::nullopt;
  }

  Fault read_names(Names& names, bool databases) {
    const auto field = words_.field();
    if (!field) return std::string("no ") + (databases ? "database" : "user");
    return add_names(*field, names, databases, path_, 0);
  }

  Fault add_names(const HbaField& field, Names& names, bool databases, const std::string& path, int depth) {
    for (const HbaToken& token : field)
      if (Fault fault = add_name(token, names, databases, path, depth)) return fault;
    return std::nullopt;
  }

  Fault add_name(const HbaToken& token, Names& names, bool databases, const std::string& path, int depth) {
    if (token.is("all")) return names.all = true, std::nullopt;
    if (databases && token.is("sameuser")) return names.same_user = true, std::nullopt;
    if (databases && token.is("replication")) return names.replication = true, std::nullopt;
    if (databases && (token.is("samerole") || token.is("samegroup"))) return token.text + " is not supported";
    if (!token.quoted && token.text.starts_with('+')) return "groups are not supported: " + token.text;
    if (!token.quoted && token.text.starts_with('/')) return "regular expressions are not supported: " + token.text;
    if (!token.quoted && token.text.starts_with('@')) return include(token.text.substr(1), names, databases, path, depth);
    names.names.insert(databases && is_console(token.text) ? std::string(hba_console) : token.text);
    return std::nullopt;
  }

  Fault include(const std::string& name, Names& names, bool databases, const std::string& from, int depth) {
    const std::string path = beside(name, from);
    std::string text, error;
    if (depth >= deepest_include) return "files include each other: " + path;
    if (!read_file(path, text, error)) return "cannot read \"" + path + "\": " + error;
    for (std::string_view rest = text; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      HbaLine line(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (const auto field = line.field())
        if (Fault fault = add_names(*field, names, databases, path, depth + 1)) return fault;
      if (line.is_malformed()) return "malformed names in \"" + path + "\"";
    }
    return std::nullopt;
  }

  Fault read_address(Line& line) {
    const auto word = words_.word();
    if (!word) return "no address";
    if (word->is("all")) return line.any_address = true, std::nullopt;
    const std::size_t slash = word->text.find('/');
    const std::string base = word->text.substr(0, slash);
    const auto address = rules::parse_address(base);
    if (!address) return "not an address: " + base + " (host names, samehost and samenet are not supported)";
    line.is_v4 = base.find(':') == std::string::npos;
    const unsigned width = line.is_v4 ? 32 : 128;
    if (slash != std::string::npos) {
      const auto bits = parse_bits(std::string_view(word->text).substr(slash + 1), width);
      if (!bits) return "invalid mask in " + word->text;
      line.mask = mask_of(*bits + (128 - width));
    } else {
      const auto mask_word = words_.word();
      const auto mask = mask_word ? parse_mask(mask_word->text, line.is_v4) : std::nullopt;
      if (!mask) return "no mask behind the address " + base;
      line.mask = *mask;
    }
    line.base = *address;
    for (std::size_t i = 0; i < line.base.size(); ++i)
      if ((line.base[i] & ~line.mask[i]) != 0) return "address " + base + " has bits outside its mask";
    // What an IPv6 socket calls ::ffff:a.b.c.d is an IPv4 client.
    constexpr std::size_t prefix = 12;
    if (!line.is_v4 && rules::agree(line.base, *rules::parse_address("0.0.0.0"), prefix * 8)) line.is_v4 = true;
    return std::nullopt;
  }

  Fault read_method(AuthRule& rule) {
    const auto word = words_.word();
    if (!word) return "no method";
    const auto found = std::find_if(std::begin(methods), std::end(methods), [&](const MethodName& one) { return one.name == word->text; });
    if (found == std::end(methods)) return "unsupported method " + word->text;
    rule.method = found->method;
    if (rule.method == AuthMethod::ldap) return read_ldap(rule);
    const auto options = split_options(words_.rest(), true);
    if (!options) return "a quote is not closed";
    for (const std::string& option : *options)
      if (!take_option(option, rule)) return "unsupported parameter " + option.substr(0, option.find('='));
    return std::nullopt;
  }

  static bool take_option(const std::string& option, AuthRule& rule) {
    const bool has_map = rule.method == AuthMethod::cert || rule.method == AuthMethod::peer;
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos || equals + 1 == option.size()) return false;
    const std::string_view key = std::string_view(option).substr(0, equals);
    if (key == "map" && has_map) return rule.map = option.substr(equals + 1), true;
    if (key == "pamservice" && rule.method == AuthMethod::pam) return rule.pam_service = option.substr(equals + 1), true;
    return false;
  }

  Fault read_ldap(AuthRule& rule) {
    std::string error;
    auto options = std::make_shared<LdapOptions>();
    if (!parse_ldap_options(words_.rest(), true, *options, error)) return error;
    rule.ldap = std::move(options);
    return std::nullopt;
  }

  HbaLine words_;
  const std::string& path_;
  std::string type_;
};

Hba Hba::parse(std::string_view text, const std::string& path, std::vector<Diagnostic>& errors) {
  Hba hba;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    Reader reader(text.substr(0, end), path);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (reader.is_blank()) continue;
    Line line;
    if (const auto fault = reader.read(line)) {
      errors.push_back({path, number, "could not parse hba config line: " + *fault});
      continue;
    }
    if (!line.rule.map.empty()) hba.maps_.emplace_back(line.rule.map, number);
    hba.lines_.push_back(std::move(line));
  }
  return hba;
}

Hba Hba::read(const std::string& path, std::vector<Diagnostic>& errors) {
  std::string text, error;
  if (read_file(path, text, error)) return parse(text, path, errors);
  errors.push_back({path, 0, "cannot read auth_hba_file: " + error});
  return {};
}

}  // namespace pgswitch
