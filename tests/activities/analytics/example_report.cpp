#include "tests/activities/analytics/example_report.h"

#include <fstream>
#include <string>

namespace wfe::analytics {

namespace {

nlohmann::json ReadReport(const std::string& folder) {
  std::ifstream in(std::string(WFE_SOURCE_DIR) + "/tests/testdata/" + folder + "/report.json");
  return nlohmann::json::parse(in);
}

}  // namespace

nlohmann::json ExampleReport() { return ReadReport("reports"); }

nlohmann::json AuditedReport() { return ReadReport("optimization"); }

nlohmann::json SmallestReport() {
  return {{"schema_version", 1},
          {"report_id", "r1"},
          {"generated_at", "2026-11-21T02:00:00Z"},
          {"header", nlohmann::json::object()},
          {"summary", nlohmann::json::array()},
          {"audits", nlohmann::json::array()},
          {"findings", nlohmann::json::array()}};
}

}  // namespace wfe::analytics
