#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace pgswitch::rules {

/// A statement of corpus/*.jsonl: where it comes from, its text and, after these two, its facts.
using CorpusEntry = nlohmann::ordered_json;

struct CorpusFile {
  std::filesystem::path path;
  std::vector<CorpusEntry> entries;
};

/// Read once; in the order of their names.
const std::vector<CorpusFile>& corpus();

inline std::string sql_of(const CorpusEntry& entry) { return entry.at("sql").get<std::string>(); }

}  // namespace pgswitch::rules
