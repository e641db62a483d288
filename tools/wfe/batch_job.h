// Starting a batch job, or going on with one; following it; and what it leaves.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "activities/batch/batch_results.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/prompt_store.h"
#include "workflows/batch/batch_process.h"

namespace wfe::cli {

/// What `wfe batch` and `wfe run` share.
struct BatchJobOptions {
  RecordsOptions records;
  std::string id;
  std::string resume;  ///< Of a job that there is; excludes `id`.
  std::string queue;
  batch::StepSpec step;
  double max_cost_usd = -1;  ///< Less than 0: no limit of the job's own.
  bool follow = false;
  bool local = false;
  double timeout_s = 0;
};
void AddBatchJobOptions(CLI::App& command, Globals& globals, BatchJobOptions& options);

/// A job that has ended, in whatever way.
struct EndedBatch {
  std::string id;
  workflows::BatchResult result;
};

/// The input of a new job; it may store documents in these records.  What a person has said is checked before.
using MakeBatchInput = std::function<Result<workflows::BatchInput>(client::RecordsClient& records)>;
/// Shows the job to who asked for it; returns the exit code.
using ShowBatch = std::function<Result<int>(const EndedBatch& ended, batch::ResultStore& results, BlobSource& blobs)>;

/// `prefix`: of an id that is made up.
Result<int> RunBatchJob(Globals& globals, const BatchJobOptions& options, const std::string& prefix,
                        const MakeBatchInput& make_input, const ShowBatch& show);

}  // namespace wfe::cli
