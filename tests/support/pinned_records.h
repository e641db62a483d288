// Files that stand in the repository and are what the code says; WFE_REWRITE=1 writes them anew.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace wfe::testing {

/// `name`: from the root of the sources.
inline void ExpectFile(const std::string& name, const std::string& now) {
  const std::string path = std::string(WFE_SOURCE_DIR) + "/" + name;
  if (std::getenv("WFE_REWRITE") != nullptr) std::ofstream(path) << now;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(now, text.str());
}

inline void ExpectSchema(const std::string& name, nlohmann::json schema, const std::string& title) {
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  ExpectFile("schemas/" + name, schema.dump(2) + "\n");
}

/// One line of JSON for each.
template <class... Records>
std::string NewRecords(const Records&... records) {
  std::string text;
  ((text += nlohmann::json(records).dump() + "\n"), ...);
  return text;
}

}  // namespace wfe::testing
