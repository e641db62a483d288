// A report with everything in it, and the smallest one, for the tests of the renderers.
#pragma once

#include <nlohmann/json.hpp>

namespace wfe::analytics {

/// tests/testdata/reports/report.json: a week of 84 builds, four findings, one proposal.
nlohmann::json ExampleReport();

/// tests/testdata/optimization/report.json: what the audits make of 400 builds.
nlohmann::json AuditedReport();

/// Only what a report must have.
nlohmann::json SmallestReport();

}  // namespace wfe::analytics
