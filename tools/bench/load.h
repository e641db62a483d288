// Closed-loop load: so many callers, each starting its next workflow when the last one has ended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "workers/client/service_client.h"

namespace wfe::bench {

struct LoadOptions {
  std::string workflow_type;
  std::string input_json;  ///< Empty: none.
  int callers = 1;
  double warm_up_s = 1;
  double measured_s = 6;
};

struct LoadResult {
  int64_t completed = 0;  ///< Within the measured time.
  double seconds = 0;     ///< Of the measured time.
  std::vector<double> latencies_ms;
  std::string first_error;  ///< Empty: none.

  double PerSecond() const { return seconds > 0 ? static_cast<double>(completed) / seconds : 0; }
  /// 0.5 is the median; linear interpolation is not needed at these sample sizes.
  double Percentile(double p) const;
};

/// Calls `at_start` and `at_end` at the edges of the measured time.
LoadResult RunLoad(client::ServiceClient& client, const LoadOptions& options, const std::function<void()>& at_start,
                   const std::function<void()>& at_end);

/// Starts `count` workflows, `callers` at a time; ids are `prefix`-0 …; no call stays open.
Status StartMany(client::ServiceClient& client, const std::string& workflow_type, const std::string& input_json,
                 const std::string& prefix, int count, int callers);

/// Waits for one workflow to end.
Status AwaitClose(client::ServiceClient& client, const std::string& workflow_id, Duration timeout);

}  // namespace wfe::bench
