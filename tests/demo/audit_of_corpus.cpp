#include "tests/demo/audit_of_corpus.h"

#include <gtest/gtest.h>

#include "activities/analytics/audits/report.h"
#include "activities/analytics/ingest/trace_parser.h"

namespace wfe::demo {

nlohmann::json AuditCorpus(const Corpus& corpus) {
  analytics::TraceTable table;
  analytics::ReportInput input;
  input.report_id = "2026-10-19T02-00-00Z-0001";
  input.generated_at = "2026-10-19T02:00:00.000Z";
  {
    analytics::TraceParser parser(table, input.parse);
    for (const auto& [path, text] : corpus.files) {
      if (!path.ends_with(".jsonl")) continue;
      parser.BeginFile(path);
      int64_t number = 0;
      for (std::string_view rest = text; !rest.empty();) {
        const size_t end = rest.find('\n');
        parser.ParseLine(rest.substr(0, end), ++number);
        rest.remove_prefix(end + 1);
      }
    }
  }
  EXPECT_TRUE(input.parse.problems.empty()) << "the parser finds fault with a generated trace";
  Result<nlohmann::json> report = analytics::BuildReport(table, analytics::AuditOptions(), input);
  EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().ToString());
  if (!report) return nlohmann::json::object();
  EXPECT_EQ(analytics::ReportProblems(*report), std::vector<std::string>());
  return *std::move(report);
}

}  // namespace wfe::demo
