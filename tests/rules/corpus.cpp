#include "tests/rules/corpus.hpp"

#include <algorithm>
#include <fstream>

namespace pgswitch::rules {
namespace {

CorpusFile read(const std::filesystem::path& path) {
  CorpusFile file{path, {}};
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) file.entries.push_back(CorpusEntry::parse(line));
  return file;
}

std::vector<CorpusFile> read_all() {
  std::vector<CorpusFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(__FILE__).parent_path() / "corpus")) {
    if (entry.path().extension() == ".jsonl") files.push_back(read(entry.path()));
  }
  std::sort(files.begin(), files.end(), [](const CorpusFile& a, const CorpusFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace

const std::vector<CorpusFile>& corpus() {
  static const std::vector<CorpusFile> files = read_all();
  return files;
}

}  // namespace pgswitch::rules
