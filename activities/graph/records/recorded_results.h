// The results of a run, out of its history, for dry runs (VA-5).
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "activities/graph/recorded_result.h"
#include "temporal/api/history/v1/message.pb.h"

namespace wfe::graph {

/// Gathers from any number of runs, of graphs and of other workflows.  Of equal inputs the first result counts.
class RecordedResults {
 public:
  /// What ended well; what failed, timed out or was cancelled is not recorded.  Values that are not JSON are passed
  /// over.
  void Add(const temporal::api::history::v1::History& history);

  /// By activity and hash.
  std::vector<RecordedResult> All() const;
  /// Results whose input was there before, and those of them that were different: a dry run cannot know which would
  /// come.
  int64_t repeats() const { return repeats_; }
  int64_t contradictions() const { return contradictions_; }

 private:
  std::map<std::pair<std::string, std::string>, RecordedResult> by_input_;
  int64_t repeats_ = 0;
  int64_t contradictions_ = 0;
};

}  // namespace wfe::graph
