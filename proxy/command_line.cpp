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

// Options that have no letter.
constexpr int settings_option = 256;
constexpr int json_option = 257;
constexpr int junit_option = 258;
constexpr int coverage_option = 259;
constexpr int allow_unhit_option = 260;
constexpr int against_option = 261;

constexpr std::string_view options_text = R"(  -d, --daemon         run in background (as a daemon)
  -q, --quiet          run quietly
  -R, --reboot         take over from the process that runs with this configuration
  -u, --user=USERNAME  assume identity of USERNAME
  -v, --verbose        increase verbosity
  -V, --version        show version, then exit
  -h, --help           show this help, then exit
      --settings[=man] show all settings as a Markdown table (or for the manual page), then exit
)";

std::string usage(const std::string& program) {
  return program + " routes PostgreSQL statements to servers by rules, and pools connections.\n\nUsage: " + program +
         " [OPTION]... CONFIG_FILE\n       " + program + " check CONFIG_FILE\n       " + program +
         " explain CONFIG_FILE [-u USER] [-d DATABASE] [--json] \"SQL\"\n       " + program +
         " test CONFIG_FILE [-v] [--coverage] [--allow-unhit] [--junit FILE] TESTS.lua...\n       " + program +
         " replay CONFIG_FILE [-u USER] [-d DATABASE] [--json] [--against CONFIG_FILE] LOG...\n\n" + std::string(options_text);
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
                                                   {"settings", optional_argument, nullptr, settings_option},
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
      case settings_option:
        if (optarg && std::string_view(optarg) != "man") return refuse(err, program, "--settings takes nothing or man");
        out << (optarg ? settings_manual() : settings_markdown());
        return ExitCommand{0};
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
  static constexpr std::array<option, 4> names = {{{"user", required_argument, nullptr, 'u'},
                                                   {"database", required_argument, nullptr, 'd'},
                                                   {"json", no_argument, nullptr, json_option},
                                                   {nullptr, 0, nullptr, 0}}};
  ExplainRequest request;
  OptionReader reader(argc, argv, ":u:d:", names.data());
  for (int found = reader.next(); found >= 0; found = reader.next()) {
    if (found == 'u') request.user = optarg;
    else if (found == 'd') request.database = optarg;
    else if (found == json_option) request.json = true;
    else return refuse(err, program, reader.complaint(found));
  }
  const auto rest = reader.rest();
  if (rest.size() != 2) return refuse(err, program, "explain needs a configuration file and one SQL string");
  request.ini_path = rest[0];
  request.sql = rest[1];
  return request;
}

Command parse_test(int argc, char** argv, const std::string& program, std::ostream& err) {
  static constexpr std::array<option, 5> names = {{{"verbose", no_argument, nullptr, 'v'},
                                                   {"coverage", no_argument, nullptr, coverage_option},
                                                   {"allow-unhit", no_argument, nullptr, allow_unhit_option},
                                                   {"junit", required_argument, nullptr, junit_option},
                                                   {nullptr, 0, nullptr, 0}}};
  TestRequest request;
  OptionReader reader(argc, argv, ":v", names.data());
  for (int found = reader.next(); found >= 0; found = reader.next()) {
    if (found == 'v') request.verbose = true;
    else if (found == coverage_option) request.coverage = true;
    else if (found == allow_unhit_option) request.allow_unhit = true;
    else if (found == junit_option) request.junit_file = optarg;
    else return refuse(err, program, reader.complaint(found));
  }
  request.test_files = reader.rest();
  if (request.test_files.size() < 2) return refuse(err, program, "test needs a configuration file and files of tests");
  request.ini_path = request.test_files.front();
  request.test_files.erase(request.test_files.begin());
  return request;
}

Command parse_replay(int argc, char** argv, const std::string& program, std::ostream& err) {
  static constexpr std::array<option, 5> names = {{{"user", required_argument, nullptr, 'u'},
                                                   {"database", required_argument, nullptr, 'd'},
                                                   {"json", no_argument, nullptr, json_option},
                                                   {"against", required_argument, nullptr, against_option},
                                                   {nullptr, 0, nullptr, 0}}};
  ReplayRequest request;
  OptionReader reader(argc, argv, ":u:d:", names.data());
  for (int found = reader.next(); found >= 0; found = reader.next()) {
    if (found == 'u') request.user = optarg;
    else if (found == 'd') request.database = optarg;
    else if (found == json_option) request.json = true;
    else if (found == against_option) request.against = optarg;
    else return refuse(err, program, reader.complaint(found));
  }
  request.logs = reader.rest();
  if (request.logs.size() < 2) return refuse(err, program, "replay needs a configuration file and logs");
  request.ini_path = request.logs.front();
  request.logs.erase(request.logs.begin());
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
  text += "systemd: yes\n";
  return text;
}

Command parse_command_line(int argc, char** argv, std::ostream& out, std::ostream& err) {
  const std::string program = argc > 0 ? argv[0] : "pgswitch";
  if (argc < 2) return refuse(err, program, "no configuration file specified");
  const std::string_view word = argv[1];
  if (word == "explain") return parse_explain(argc - 1, argv + 1, program, err);
  if (word == "test") return parse_test(argc - 1, argv + 1, program, err);
  if (word == "replay") return parse_replay(argc - 1, argv + 1, program, err);
  if (word != "check") return parse_run(argc, argv, out, err);
  if (argc != 3) return refuse(err, program, "check needs one configuration file");
  return CheckCommand{argv[2]};
}

}  // namespace pgswitch
