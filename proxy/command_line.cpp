#include "proxy/command_line.hpp"

#include <boost/version.hpp>
#include <getopt.h>
#include <lua.hpp>
#include <openssl/crypto.h>
#include <spdlog/version.h>

#include <array>
#include <string_view>
#include <vector>

#include "proxy/config_table.hpp"

namespace pgswitch {
namespace {

constexpr int settings_option = 256;

constexpr std::string_view options_text = R"(  -d, --daemon         run in background (as a daemon)
  -q, --quiet          run quietly
  -R, --reboot         accepted for pgbouncer's scripts, without effect
  -u, --user=USERNAME  assume identity of USERNAME
  -v, --verbose        increase verbosity
  -V, --version        show version, then exit
  -h, --help           show this help, then exit
      --settings       show all settings as a Markdown table, then exit
)";

std::string usage(const std::string& program) {
  return program + " routes PostgreSQL statements to servers by rules, and pools connections.\n\nUsage: " + program +
         " [OPTION]... CONFIG_FILE\n       " + program + " check CONFIG_FILE\n       " + program +
         " explain CONFIG_FILE [-u USER] [-d DATABASE] \"SQL\"\n\n" + std::string(options_text);
}

ExitCommand refuse(std::ostream& err, const std::string& program, const std::string& complaint) {
  if (!complaint.empty()) err << program << ": " << complaint << '\n';
  err << "Try \"" << program << " --help\" for more information.\n";
  return {1};
}

/// getopt_long() over a fresh state: its globals are set back for every call. Negative at the end.
struct OptionReader {
  OptionReader(int count, char** arguments, const char* letters, const option* names)
      : argc(count), argv(arguments), short_options(letters), long_options(names) {
    optind = 0;
    opterr = 0;
  }
  int next() { return getopt_long(argc, argv, short_options, long_options, nullptr); }
  /// The option that next() returned '?' or ':' for.
  std::string complaint(int found) const {
    const std::string word = optopt > 0 && optopt < settings_option ? std::string("'") + static_cast<char>(optopt) + "'"
                                                                    : std::string("'") + argv[optind - 1] + "'";
    return found == ':' ? "option requires an argument -- " + word : "unrecognized option " + word;
  }
  std::vector<std::string> rest() const { return {argv + optind, argv + argc}; }

  int argc;
  char** argv;
  const char* short_options;
  const option* long_options;
};

Command parse_run(int argc, char** argv, std::ostream& out, std::ostream& err) {
  static constexpr std::array<option, 9> names = {{{"daemon", no_argument, nullptr, 'd'},
                                                   {"quiet", no_argument, nullptr, 'q'},
                                                   {"reboot", no_argument, nullptr, 'R'},
                                                   {"user", required_argument, nullptr, 'u'},
                                                   {"verbose", no_argument, nullptr, 'v'},
                                                   {"version", no_argument, nullptr, 'V'},
                                                   {"help", no_argument, nullptr, 'h'},
                                                   {"settings", no_argument, nullptr, settings_option},
                                                   {nullptr, 0, nullptr, 0}}};
  const std::string program = argv[0];
  RunCommand command;
  OptionReader reader(argc, argv, ":dqRu:vVh", names.data());
  for (int found = reader.next(); found >= 0; found = reader.next()) {
    switch (found) {
      case 'd': command.options.daemon = true; break;
      case 'q': command.options.quiet = true; break;
      case 'R': command.reboot = true; break;
      case 'u': command.options.user = optarg; break;
      case 'v': ++command.options.verbose; break;
      case 'V': out << version_text(); return ExitCommand{0};
      case 'h': out << usage(program); return ExitCommand{0};
      case settings_option: out << settings_markdown(); return ExitCommand{0};
      default: return refuse(err, program, reader.complaint(found));
    }
  }
  const auto files = reader.rest();
  if (files.empty()) return refuse(err, program, "no configuration file specified");
  if (files.size() > 1) return refuse(err, program, "too many command-line arguments (first is \"" + files[1] + "\")");
  command.options.config_file = files[0];
  return command;
}

Command parse_explain(int argc, char** argv, const std::string& program, std::ostream& err) {
  static constexpr std::array<option, 3> names = {{{"user", required_argument, nullptr, 'u'},
                                                   {"database", required_argument, nullptr, 'd'},
                                                   {nullptr, 0, nullptr, 0}}};
  ExplainRequest request;
  OptionReader reader(argc, argv, ":u:d:", names.data());
  for (int found = reader.next(); found >= 0; found = reader.next()) {
    if (found == 'u') request.user = optarg;
    else if (found == 'd') request.database = optarg;
    else return refuse(err, program, reader.complaint(found));
  }
  const auto rest = reader.rest();
  if (rest.size() != 2) return refuse(err, program, "explain needs a configuration file and one SQL string");
  request.ini_path = rest[0];
  request.sql = rest[1];
  return request;
}

}  // namespace

std::string version_text() {
  std::string text = "pgswitch " PGSWITCH_VERSION "\n";
  text += "boost " + std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
          std::to_string(BOOST_VERSION % 100) + "\n";
  text += std::string("tls: ") + OpenSSL_version(OPENSSL_VERSION) + "\n";
  text += LUA_RELEASE "\n";
  text += "spdlog " + std::to_string(SPDLOG_VER_MAJOR) + "." + std::to_string(SPDLOG_VER_MINOR) + "." +
          std::to_string(SPDLOG_VER_PATCH) + "\n";
  return text;
}

Command parse_command_line(int argc, char** argv, std::ostream& out, std::ostream& err) {
  const std::string program = argc > 0 ? argv[0] : "pgswitch";
  if (argc < 2) return refuse(err, program, "no configuration file specified");
  const std::string_view word = argv[1];
  if (word == "explain") return parse_explain(argc - 1, argv + 1, program, err);
  if (word != "check") return parse_run(argc, argv, out, err);
  if (argc != 3) return refuse(err, program, "check needs one configuration file");
  return CheckCommand{argv[2]};
}

}  // namespace pgswitch
